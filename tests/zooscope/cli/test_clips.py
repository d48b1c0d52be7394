"""Datasets of clips on the command line."""

from pathlib import Path

import pytest

from service.container import Zoo
from service.core.tables import DatasetRecord
from tests.rest.served import PICTURES, a_dataset, a_set_of_clips
from tests.zooscope.cli.shells import Shell
from zooscope import ZooClient, ZooClientError


def test_push_says_how_the_clips_are_read(shell: Shell, zoo: Zoo, tmp_path: Path):
    (tmp_path / "talk").mkdir()
    (tmp_path / "talk" / "a.mp4").write_bytes(b"clip")
    box = ["--crop", "given", "--crop-box", "0.25", "0.5", "0.5", "0.25"]
    words = ["--kind", "clips", *box, "--transcript-column", "zh", "--no-wait"]

    pushed = shell.json("datasets", "push", str(tmp_path / "talk"), *words)

    assert pushed["kind"] == "clips"
    with zoo.transaction() as session:
        manifest = session.get_one(DatasetRecord, pushed["id"]).manifest
    assert (manifest["crop"], manifest["crop_box"]) == ("given", [0.25, 0.5, 0.5, 0.25])
    assert manifest["transcript_column"] == "zh"


def test_clips_are_listed_and_datasets_filtered_by_kind(shell: Shell, zoo: Zoo):
    with zoo.transaction() as session:
        talk, _ = a_set_of_clips(zoo, session), a_dataset(zoo, session)

    clips = shell.json("datasets", "clips", "talk")
    listed = shell.json("datasets", "ls", "--kind", "clips")

    assert [clip["transcript"] for clip in clips] == ["你好", "你好"]
    assert [dataset["id"] for dataset in listed] == [talk.id]


def test_the_client_gets_clips_and_their_pictures(shell: Shell, zoo: Zoo):
    with zoo.transaction() as session:
        talk, images = a_set_of_clips(zoo, session).id, a_dataset(zoo, session).id

    with ZooClient(shell.environment["ZOO_URL"], key=shell.environment["ZOO_KEY"]) as client:
        clips = list(client.datasets.clips(talk))
        pictures = [client.datasets.clip_poster(talk, 0), client.datasets.clip_mel(talk, 0)]
        with pytest.raises(ZooClientError) as refused:
            list(client.datasets.clips(images))
        with pytest.raises(ZooClientError) as silent:
            client.datasets.clip_mel(talk, 1)

    assert [clip["box"]["width"] for clip in clips] == [52, 52]
    assert [bytes(picture) for picture in pictures] == [PICTURES[0]] * 2
    assert (refused.value.code, silent.value.code) == ("dataset_has_images", "clip_without_sound")


def test_transcribe_makes_a_dataset_of_the_same_clips(shell: Shell, zoo: Zoo, tmp_path: Path):
    with zoo.transaction() as session:
        talk = a_set_of_clips(zoo, session).id
    table, folder = tmp_path / "said.csv", tmp_path / "texts"
    table.write_text("path,words\na.mp4,hello\n")
    folder.mkdir()
    (folder / "a.txt").write_text("hello")
    named = ["--name", "told", "--no-wait"]

    made = [
        shell.json("datasets", "transcribe", "talk", str(source), *named, *options)
        for source, options in ((table, ["--transcript-column", "words"]), (folder, []))
    ]

    with zoo.transaction() as session:
        rows = [session.get_one(DatasetRecord, dataset["id"]) for dataset in made]
    assert [row.manifest["clips_of"] for row in rows] == [talk, talk]
    assert [row.manifest["transcript_column"] for row in rows] == ["words", None]
    assert [row.filename for row in rows] == ["said.csv", "texts.zip"]
