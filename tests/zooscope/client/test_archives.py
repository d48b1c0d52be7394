"""What is packed for upload: folders through links, label files with their images, nothing hidden."""

import os
import zipfile
from pathlib import Path

import pytest

from zooscope import ZooClientError
from zooscope.client.archives import Links, archive_of


def filled(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    return folder


def packed(source: Path, **options: object) -> list[str]:
    with archive_of(source, **options) as path, zipfile.ZipFile(path) as archive:
        return archive.namelist()


def test_links_inside_of_the_folder_are_followed(tmp_path: Path):
    root = filled(tmp_path / "set", "all/cat/1.png", "all/dog/1.png", "mine/bird/1.png")
    (root / "mine/cat").symlink_to("../all/cat")
    (root / "mine/lone.png").symlink_to(root / "all/dog/1.png")

    assert packed(root) == [
        "all/cat/1.png", "all/dog/1.png", "mine/bird/1.png", "mine/cat/1.png", "mine/lone.png",
    ]  # fmt: skip


def test_links_out_of_the_folder_are_named_and_followed_when_asked(tmp_path: Path):
    real = filled(tmp_path / "real", "cat/1.png", "dog/1.png")
    linked = filled(tmp_path / "linked", "bird/1.png")
    for name in ("cat", "dog"):
        (linked / name).symlink_to(real / name)
    notes: list[str] = []

    with pytest.raises(ZooClientError) as refused:
        packed(linked)
    names = packed(linked, links=Links.ANYWHERE, on_note=notes.append)

    assert refused.value.code == "link_outside"
    assert "cat, dog" in refused.value.detail
    assert "--follow-links" in (refused.value.remedy or "")
    assert names == ["bird/1.png", "cat/1.png", "dog/1.png"]
    assert notes == ["2 links out of the folder followed: cat, dog"]


def test_a_linked_folder_itself_is_read(tmp_path: Path):
    filled(tmp_path / "real", "cat/1.png")
    (tmp_path / "set").symlink_to(tmp_path / "real")

    assert packed(tmp_path / "set") == ["cat/1.png"]


def test_circles_and_links_to_nowhere_are_left_out_by_name(tmp_path: Path):
    root = filled(tmp_path / "set", "cat/1.png")
    (root / "cat/again").symlink_to(root)
    (root / "lost").symlink_to("nowhere")
    notes: list[str] = []

    assert packed(root, on_note=notes.append) == ["cat/1.png"]
    assert notes == ["2 links lead nowhere: cat/again, lost"]


def test_hidden_files_stay_at_home_and_are_counted(tmp_path: Path):
    root = filled(tmp_path / "set", "cat/1.png", ".DS_Store", "cat/.secret/key", "README.md")
    notes: list[str] = []

    assert packed(root, on_note=notes.append) == ["README.md", "cat/1.png"]
    assert notes == ["2 hidden files left out: .DS_Store, cat/.secret/key"]


def test_folders_without_files_are_part_of_the_archive(tmp_path: Path):
    root = filled(tmp_path / "set", "cat/1.png")
    (root / "bird").mkdir()

    assert packed(root) == ["cat/1.png", "bird/"]


TABLES = {
    "labels.csv": "path,label\n{0}/cat/1.png,cat\ndog\\1.png,dog\n/etc/passwd,x\n",
    "labels.tsv": "cat/1.png\tcat\ndog/1.png\tdog\n",
    "metadata.jsonl": '{{"file_name": "cat/1.png"}}\n{{"file_name": "./dog/1.png", "n": 1}}\n',
}


@pytest.mark.parametrize("name", TABLES)
def test_a_label_file_is_sent_with_the_images_that_it_names(tmp_path: Path, name: str):
    root = filled(tmp_path / "set", "cat/1.png", "dog/1.png", "other/1.png")
    (root / name).write_text(TABLES[name].format(root), encoding="utf-8")

    assert packed(root / name) == [name, "cat/1.png", "dog/1.png"]


def test_a_label_file_may_name_images_elsewhere(tmp_path: Path):
    image = filled(tmp_path / "photos", "1.png") / "1.png"
    table = filled(tmp_path / "tables", "labels.csv") / "labels.csv"
    table.write_text(f"path,label\n../photos/1.png,a\n{image},a\n", encoding="utf-8")

    names = packed(table)

    assert names == ["labels.csv", image.resolve().relative_to(os.sep).as_posix()]


def test_a_label_file_without_images_is_refused(tmp_path: Path):
    (tmp_path / "labels.csv").write_text("path,label\nno.png,a\n", encoding="utf-8")

    with pytest.raises(ZooClientError, match=r"labels\.csv names no file") as refused:
        packed(tmp_path / "labels.csv")

    assert refused.value.code == "no_images"


def test_a_table_is_sent_with_the_clips_that_it_names(tmp_path: Path):
    (tmp_path / "a.mp4").write_bytes(b"clip")
    (tmp_path / "notes.txt").write_bytes(b"secret")
    table = "path,transcript\na.mp4,hello\nnotes.txt,x\n"
    (tmp_path / "clips.csv").write_text(table, encoding="utf-8")

    assert sorted(packed(tmp_path / "clips.csv")) == ["a.mp4", "clips.csv"]
