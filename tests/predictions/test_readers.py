"""A reader turns clips into text over every API, and says what does not suit it."""

import base64
import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import torch
from PIL import Image

from service.core.ids import IdKind, new_id
from service.core.manifest import ClipCrop
from service.rpc.stubs.zoo.v1 import model_service_pb2 as wire
from tests.predictions.every_api import EveryApi
from tests.predictions.ready_readers import (
    a_cascade,
    a_clip_dataset,
    a_lip_reader,
    a_recognizer,
    a_stored_cascade,
    a_stored_reader,
    noise_clip,
    read,
    some_clips,
)
from tests.predictions.test_predictions import Classifier, a_network, a_picture
from tests.predictions.test_stylizers import a_stylizer
from tests.rest.served import a_dataset
from tests.rpc.channels import refusal
from workers.child.reading import clip_of_file
from workers.methods.cascade_seq2seq.transcription import cascade_readings, oracle_readings
from workers.torchkit.speech.error_rates import edit_distance
from workers.torchkit.speech.features import CropReader, FeatureBatch
from workers.torchkit.speech.readers import Reader
from workers.torchkit.speech.search import greedy_texts
from workers.torchkit.speech.seq2seq import most_tokens
from workers.torchkit.speech.transcription import transcriptions
from zooscope import Clips, ZooClientError

CLIPS = some_clips()
WORDS = ["买书", "看树鱼", "卖"]
PINYIN = [["mai3", "shu1"], ["kan4", "shu4", "yu2"], ["mai4"]]
LABELS = {
    "/images": "FILES",
    "/clips": "FILES",
    "/clips/0": "FILES",
    "/clip_dataset": "--clip-dataset",
    "/clip_indices": "--clip-index",
    "/output": "--output",
    "/crop_box": "--crop-box",
}
RECOGNIZER, LIP_READER = a_recognizer(), a_lip_reader()


@pytest.fixture(scope="module")
def recognizer(apis: EveryApi) -> str:
    return a_stored_reader(apis.zoo, RECOGNIZER)


@pytest.fixture(scope="module")
def talk(apis: EveryApi) -> str:
    words = list(zip(WORDS, PINYIN, strict=True))
    return a_clip_dataset(apis.zoo, CLIPS, words, apis.folder)


@pytest.fixture(scope="module")
def lip_reader(apis: EveryApi, talk: str) -> str:
    """A reader that learned from whole frames."""
    return a_stored_reader(apis.zoo, LIP_READER, dataset=talk)


@pytest.fixture(scope="module")
def classifier(apis: EveryApi) -> str:
    return a_network(apis.zoo, Classifier(), apis.folder, task_kind="classification")


def ask(apis: EveryApi, model: str, clips: Sequence[bytes] = (), **query: Any) -> httpx.Response:
    files = [("clips", (f"{index}.mkv", data)) for index, data in enumerate(clips)]
    return apis.rest.post(f"/v1/models/{model}:predict", params=query, files=files)


def items_of(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def greedy_text(reader: Reader, data: bytes, folder: Path) -> tuple[str, bool]:
    """The greedy text of a clip, decoded in one loop over tokens."""
    sequence = reader.features.features(clip_of_file(read(data, folder)))
    batch = FeatureBatch.of([sequence], torch.device("cpu"))
    encoded = reader.network.encoder(batch.values, batch.lengths)
    longest = most_tokens(batch.lengths, reader.rate)
    with torch.no_grad():
        texts = greedy_texts(reader.network.decoder, [encoded], encoded.ends, longest)
    (text,) = texts.hypotheses()
    return "".join(reader.vocabulary.text(text.tokens)), text.finished


def test_a_clip_becomes_the_text_that_the_reader_reads(
    apis: EveryApi, recognizer: str, tmp_path: Path
) -> None:
    clip = clip_of_file(read(CLIPS[0], tmp_path))
    expected = transcriptions(RECOGNIZER, clip, width=5)

    (item,) = items_of(ask(apis, recognizer, CLIPS[:1], alternatives=2))

    assert expected[0].text
    assert (item["text"], item["finished"]) == (expected[0].text, expected[0].finished)
    assert item["score"] == pytest.approx(expected[0].score, abs=1e-4)
    assert [token["text"] for token in item["tokens"]] == list(expected[0].text)
    chances = [token.log_probability for token in expected[0].tokens]
    assert [token["log_probability"] for token in item["tokens"]] == pytest.approx(
        chances, abs=1e-4
    )
    assert all(token["start_seconds"] <= token["end_seconds"] for token in item["tokens"])
    assert [text["text"] for text in item["alternatives"]] == [t.text for t in expected[1:3]]
    picture = Image.open(io.BytesIO(base64.b64decode(item["attention_png"])))
    assert picture.format == "PNG"


def test_the_answer_says_what_the_clip_shows(apis: EveryApi, recognizer: str) -> None:
    (item,) = items_of(ask(apis, recognizer, CLIPS[:1]))

    facts = item["facts"]
    assert (facts["frames"], facts["width"], facts["height"], facts["faces"]) == (15, 192, 144, 0)
    assert facts["box"] == {"left": 0, "top": 0, "width": 192, "height": 144}
    assert facts["mel_frames"] > 0
    assert facts["remarks"] == []
    assert (item["transcript"], item["character_error_rate"], item["index"]) == (None, None, None)


@pytest.mark.parametrize(
    ("reader", "model"), [(RECOGNIZER, "recognizer"), (LIP_READER, "lip_reader")]
)
def test_a_beam_of_width_1_is_greedy(
    apis: EveryApi, reader: Reader, model: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    model_id = request.getfixturevalue(model)

    items = items_of(ask(apis, model_id, CLIPS[:2], beam_width=1))

    texts = [(item["text"], item["finished"]) for item in items]
    assert texts == [greedy_text(reader, data, tmp_path) for data in CLIPS[:2]]


def test_a_lip_reader_reads_the_part_of_the_frames_that_it_learned_from(
    apis: EveryApi, lip_reader: str, tmp_path: Path
) -> None:
    (full,) = items_of(ask(apis, lip_reader, CLIPS[:1]))
    (lips,) = items_of(ask(apis, lip_reader, CLIPS[:1], crop="found"))
    box = {"crop": "given", "crop_box": [0.25, 0.5, 0.5, 0.25]}
    (part,) = items_of(ask(apis, lip_reader, CLIPS[:1], **box))

    expected = read(CLIPS[0], tmp_path, ClipCrop.FOUND)
    assert full["facts"]["box"]["width"] == 192
    assert list(lips["facts"]["box"].values()) == list(expected.box)
    assert (lips["facts"]["faces"], full["facts"]["faces"]) == (1, 0)
    assert part["facts"]["box"] == {"left": 48, "top": 72, "width": 96, "height": 36}


def test_stored_clips_are_read_like_their_files_and_compared_with_their_transcripts(
    apis: EveryApi, lip_reader: str, talk: str
) -> None:
    sent = items_of(ask(apis, lip_reader, CLIPS))

    stored = items_of(ask(apis, lip_reader, clip_dataset=talk))
    (second,) = items_of(ask(apis, lip_reader, clip_dataset=talk, clip_indices=[1]))

    for index, (item, file) in enumerate(zip(stored, sent, strict=True)):
        same = ("text", "score", "finished", "tokens", "facts", "attention_png")
        assert {name: item[name] for name in same} == {name: file[name] for name in same}
        assert (item["index"], item["name"], item["transcript"]) == (
            index,
            f"{index}.mkv",
            WORDS[index],
        )
        distance = edit_distance(WORDS[index], item["text"]) / len(WORDS[index])
        assert item["character_error_rate"] == pytest.approx(distance)
    assert second == {**stored[1], "clip": 0}


@pytest.mark.parametrize("kind", ["reader", "cascade"])
def test_lips_that_hardly_move_are_remarked(apis: EveryApi, talk: str, kind: str) -> None:
    calm, cascade = a_lip_reader(), a_cascade()
    for features in (calm.features, cascade.features):
        assert isinstance(features, CropReader)
        features.least_motion = 255.0
    model = (
        a_stored_reader(apis.zoo, calm, dataset=talk)
        if kind == "reader"
        else a_stored_cascade(apis.zoo, cascade, dataset=talk)
    )

    (sent,) = items_of(ask(apis, model, CLIPS[:1]))
    (stored,) = items_of(ask(apis, model, clip_dataset=talk, clip_indices=[0]))
    (over_grpc,) = apis.stubs.models.Predict(
        wire.PredictRequest(id=model, clip_dataset=talk, clip_indices=[0])
    ).texts.items

    for remarks in (sent["facts"]["remarks"], stored["facts"]["remarks"], over_grpc.facts.remarks):
        assert list(remarks) == ["no_speech_movement"]


def test_a_bad_clip_is_named_and_the_others_are_read(apis: EveryApi, recognizer: str) -> None:
    clips = [CLIPS[0], b"no clip", CLIPS[2], CLIPS[1]]

    items = items_of(ask(apis, recognizer, clips))

    assert [item["clip"] for item in items] == [0, 1, 2, 3]
    problems = [item["problem"] and item["problem"]["code"] for item in items]
    assert problems == [None, "undecodable", "no_audio", None]
    assert items[1]["problem"]["detail"].startswith("clip 1: ")
    assert items[2]["problem"]["remedy"]
    assert (items[1]["text"], items[1]["attention_png"]) == (None, None)
    assert items[3] == {**items_of(ask(apis, recognizer, CLIPS[1:2]))[0], "clip": 3}


def test_a_cascade_says_what_every_stage_reads(apis: EveryApi, talk: str, tmp_path: Path) -> None:
    cascade = a_cascade()
    model = a_stored_cascade(apis.zoo, cascade, dataset=talk)
    clip = replace(
        clip_of_file(read(CLIPS[0], tmp_path)), transcript=WORDS[0], pinyin=tuple(PINYIN[0])
    )
    sequence = cascade.features.features(clip)
    expected = cascade_readings(cascade, sequence, width=3)[0]
    oracles = oracle_readings(cascade, sequence, clip)

    (item,) = items_of(ask(apis, model, clip_dataset=talk, clip_indices=[0], beam_width=3))
    (sent,) = items_of(ask(apis, model, CLIPS[:1], beam_width=3))
    (over_grpc,) = apis.stubs.models.Predict(
        wire.PredictRequest(id=model, clip_dataset=talk, clip_indices=[0], beam_width=3)
    ).texts.items

    assert item["text"] == expected.text
    assert item["pinyin"] == list(expected.pinyin or ())
    assert (item["aligned"], item["score"]) == (
        expected.aligned,
        pytest.approx(expected.score, abs=1e-4),
    )
    stages = {stage["stage"]: stage["tokens"] for stage in item["stages"]}
    assert list(stages) == ["pinyin", "tone", "character"]
    for stage, reading in expected.stages.items():
        assert [token["text"] for token in stages[stage.value]] == list(reading.text)
    assert item["tokens"] == stages["character"]
    assert [(o["true_stages"], o["text"]) for o in item["oracles"]] == [
        ([stage.value for stage in oracle.true_stages], oracle.text) for oracle in oracles
    ]
    assert [o["character_error_rate"] for o in item["oracles"]] == [o.errors / 2 for o in oracles]
    assert (sent["text"], sent["oracles"]) == (item["text"], [])
    assert [stage.stage for stage in over_grpc.stages] == list(stages)
    assert list(over_grpc.pinyin) == item["pinyin"]
    assert len(over_grpc.oracles) == 2


def test_every_api_reads_the_same(
    apis: EveryApi, recognizer: str, talk: str, tmp_path: Path
) -> None:
    paths = [tmp_path / name for name in ("first.mkv", "second.mkv")]
    for path, data in zip(paths, CLIPS, strict=False):
        path.write_bytes(data)
    expected = items_of(ask(apis, recognizer, CLIPS[:2], beam_width=2))

    over_grpc = apis.stubs.models.Predict(
        wire.PredictRequest(id=recognizer, clips=CLIPS[:2], beam_width=2)
    ).texts.items
    client = apis.client.models.predict(recognizer, clips=Clips(files=paths, beam_width=2))
    out = tmp_path / "out"
    words = ["predict", recognizer, *map(str, paths), "--beam-width", "2", "--out", str(out)]
    printed = apis.shell.json(*words)

    assert client.texts == expected
    assert [item.text for item in over_grpc] == [item["text"] for item in expected]
    pictures = [base64.b64decode(item["attention_png"]) for item in expected]
    assert [item.attention_png for item in over_grpc] == pictures
    assert list(client.attention().values()) == pictures
    assert [row["text"] for row in printed] == [item["text"] for item in expected]
    assert [row["clip"] for row in printed] == ["first.mkv", "second.mkv"]
    names = ["first.attention.png", "second.attention.png"]
    assert [(out / name).read_bytes() for name in names] == pictures


def test_every_api_reads_stored_clips(apis: EveryApi, recognizer: str, talk: str) -> None:
    (expected,) = items_of(ask(apis, recognizer, clip_dataset=talk, clip_indices=[1]))

    (over_grpc,) = apis.stubs.models.Predict(
        wire.PredictRequest(id=recognizer, clip_dataset=talk, clip_indices=[1])
    ).texts.items
    client = apis.client.models.predict(recognizer, clips=Clips(dataset_id=talk, indices=[1]))
    words = ["predict", recognizer, "--clip-dataset", talk, "--clip-index", "1"]
    (printed,) = apis.shell.json(*words)

    assert client.texts == [expected]
    assert over_grpc.transcript == WORDS[1]
    assert over_grpc.character_error_rate == pytest.approx(expected["character_error_rate"])
    assert (printed["clip"], printed["transcript"]) == ("1.mkv", WORDS[1])


def test_a_reader_whose_training_diverged_says_so(apis: EveryApi) -> None:
    reader = a_recognizer()
    with torch.no_grad():
        next(reader.network.parameters()).fill_(torch.nan)

    problem = ask(apis, a_stored_reader(apis.zoo, reader), CLIPS[:1]).json()

    assert (problem["code"], "learning_rate" in problem["remedy"]) == ("unfit_reader", True)


def test_one_clip_may_be_the_body(apis: EveryApi, recognizer: str) -> None:
    answer = apis.rest.post(
        f"/v1/models/{recognizer}:predict",
        content=CLIPS[0],
        headers={"content-type": "video/x-matroska"},
    )

    assert items_of(answer) == items_of(ask(apis, recognizer, CLIPS[:1]))


def test_every_api_refuses_alike_what_does_not_suit(
    apis: EveryApi, recognizer: str, lip_reader: str, classifier: str, talk: str
) -> None:
    stylizer = a_stylizer(apis.zoo, apis.folder)
    with apis.zoo.transaction() as session:
        pictures = a_dataset(apis.zoo, session, id=new_id(IdKind.DATASET)).id
    photo, clips = a_picture("red"), list(CLIPS[:1])
    foreign = new_id(IdKind.DATASET)
    cases: list[tuple[str, dict[str, Any], str, str]] = [
        (recognizer, {"images": [photo]}, "model_reads_clips", "/images"),
        (recognizer, {}, "clips_missing", "/clips"),
        (recognizer, {"clip_indices": [0]}, "clips_missing", "/clip_indices"),
        (classifier, {"clips": clips}, "clips_not_taken", "/clips"),
        (stylizer, {"clips": clips}, "clips_not_taken", "/clips"),
        (classifier, {"images": [photo], "beam_width": 2}, "clips_not_taken", "/clips"),
        (classifier, {"images": [photo], "output": "texts"}, "output_not_supported", "/output"),
        (recognizer, {"clips": clips, "output": "classes"}, "output_not_supported", "/output"),
        (recognizer, {"clips": clips, "layer": "encoder"}, "output_not_supported", "/output"),
        (recognizer, {"clips": clips, "clip_dataset": talk}, "clips_ambiguous", "/clip_dataset"),
        (recognizer, {"clip_dataset": pictures}, "dataset_has_images", "/clip_dataset"),
        (recognizer, {"clip_dataset": foreign}, "unknown_dataset", "/clip_dataset"),
        (recognizer, {"clip_dataset": talk, "clip_indices": [3]}, "unknown_clip", "/clip_indices"),
        (recognizer, {"clips": clips * 17}, "too_many_clips", "/clips"),
        (recognizer, {"clips": CLIPS[2:]}, "no_audio", "/clips/0"),
        (recognizer, {"clips": [b"nothing"]}, "undecodable", "/clips/0"),
        (recognizer, {"clips": [photo]}, "not_a_video", "/clips/0"),
        (lip_reader, {"clips": [noise_clip()], "crop": "found"}, "no_face", "/clips/0"),
        (lip_reader, {"clips": [noise_clip(4)]}, "clip_too_short", "/clips/0"),
        (lip_reader, {"clips": clips, "crop": "given"}, "invalid_crop", "/crop_box"),
        (lip_reader, {"clips": clips, "crop_box": [0, 0, 1, 1]}, "invalid_crop", "/crop_box"),
    ]

    for model, request, code, pointer in cases:
        assert refusals(apis, model, request) == {
            **dict.fromkeys(("rest", "grpc", "client"), (code, pointer)),
            "cli": (code, LABELS[pointer]),
        }, request


def refusals(apis: EveryApi, model: str, request: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Code and pointer of the refusal over each API."""
    options = {name: value for name, value in request.items() if name not in ("images", "clips")}
    images, clips = request.get("images", []), request.get("clips", [])
    folder = apis.folder / new_id(IdKind.UPLOAD)
    files = {"png": written(folder, images, "png"), "mkv": written(folder, clips, "mkv")}
    form = [(field, (path.name, path.read_bytes())) for field, paths in (("images", files["png"]), ("clips", files["mkv"])) for path in paths]  # fmt: skip
    problem = apis.rest.post(f"/v1/models/{model}:predict", params=options, files=form).json()
    assert problem["remedy"]
    over_grpc = refusal(
        apis.stubs.models.Predict,
        wire.PredictRequest(id=model, images=images, clips=clips, **options),
    )
    of_clips = {
        name: options[name] for name in ("beam_width", "crop", "crop_box") if name in options
    }
    with pytest.raises(ZooClientError) as caught:
        apis.client.models.predict(
            model,
            files["png"],
            output=options.get("output"),
            layer=options.get("layer"),
            clips=Clips(
                files=files["mkv"],
                dataset_id=options.get("clip_dataset"),
                indices=options.get("clip_indices", ()),
                **of_clips,
            ),
        )
    printed = apis.shell.error(
        "predict", model, *map(str, files["png"] + files["mkv"]), *flags(options)
    )
    return {
        "rest": (problem["code"], problem["errors"][0]["pointer"]),
        "grpc": (over_grpc.code, over_grpc.fields[0]),
        "client": (caught.value.code, caught.value.errors[0].pointer),
        "cli": (printed["code"], printed["errors"][0]["pointer"]),
    }


def written(folder: Path, files: Sequence[bytes], suffix: str) -> list[Path]:
    folder.mkdir(exist_ok=True)
    paths = [folder / f"{index}.{suffix}" for index in range(len(files))]
    for path, data in zip(paths, files, strict=True):
        path.write_bytes(data)
    return paths


def flags(options: dict[str, Any]) -> list[str]:
    """The options as a user types them."""
    words: list[str] = []
    for name, value in options.items():
        if name == "clip_indices":
            words += [word for index in value for word in ("--clip-index", str(index))]
            continue
        values = value if isinstance(value, list) else [value]
        words += [f"--{name.replace('_', '-')}", *map(str, values)]
    return words


def test_the_table_names_texts_and_problems(
    apis: EveryApi, recognizer: str, tmp_path: Path
) -> None:
    good, silent = tmp_path / "good.mkv", tmp_path / "silent.mkv"
    good.write_bytes(CLIPS[0])
    silent.write_bytes(CLIPS[2])
    words = ["predict", recognizer, str(good), str(silent)]

    rows = apis.shell.json(*words)
    table = apis.shell.output(*words)

    assert (rows[0]["problem"], rows[1]["text"]) == (None, None)
    assert rows[1]["problem"].startswith("no_audio: clip 1: ")
    assert rows[0]["text"] in table
    assert "no_audio" in table
