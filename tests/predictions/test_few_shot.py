"""A few-shot learner takes its classes with the request, and says what is odd about them."""

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from service.container import Zoo
from service.core.tables import DatasetRecord, ImageRecord, ModelRecord
from tests.predictions.every_api import (
    BLUE,
    DARK_RED,
    GREEN,
    RED,
    EveryApi,
    Example,
    ask,
    files_in,
    grpc_request,
    support_in,
)
from tests.predictions.test_predictions import Classifier, a_network, a_picture
from tests.rest.served import a_dataset, stored
from workers.child.few_shot import OutputCache

UNKNOWN = "dst_01J00000000000000000000000"
HEAD = {"units": 3, "prior": 1.0, "scale": 20.0, "outside_distance": 0.3}


class ColorLearner(nn.Module):
    """Mean colors, and as decoded features the same colors dimmed."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Features, then decoded features."""
        colors = self.pool(images).flatten(1)
        return torch.cat([colors, 0.5 * colors], dim=1)


class Overflowing(ColorLearner):
    """Features that are no numbers for red pictures."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Features, then decoded features."""
        colors = super().forward(images)
        return colors / (1 - colors[:, :1])


@pytest.fixture(scope="module")
def learner(apis: EveryApi) -> str:
    return a_learner(apis.zoo, apis.folder)


@pytest.fixture
def client(apis: EveryApi) -> httpx.Client:
    return apis.rest


def a_learner(zoo: Zoo, folder: Path, network: nn.Module | None = None) -> str:
    """The id of a stored learner."""
    model = a_network(zoo, network or ColorLearner(), folder, task_kind="embedding")
    with zoo.transaction() as session:
        record = session.get_one(ModelRecord, model)
        manifest = {**record.manifest, "few_shot": HEAD}
        del manifest["classes"]
        record.manifest = manifest
    return model


def test_queries_get_the_class_of_the_nearest_descriptor(client, learner: str):
    answer = ask(client, learner, [DARK_RED, BLUE], [(RED, "rouge"), (BLUE, "bleu")])

    assert answer.status_code == 200, answer.text
    body = answer.json()
    first, second = body["items"]
    assert [item["classes"][0]["name"] for item in (first, second)] == ["rouge", "bleu"]
    # The descriptor of one red image is (1 + 0.5) / 2 red, the query 0.8 red.
    assert first["classes"][0]["distance"] == pytest.approx(0.05**2, abs=1e-4)
    chances = [likely["probability"] for likely in first["classes"]]
    distances = np.array([likely["distance"] for likely in first["classes"]])
    expected = np.exp(-20 * distances) / np.exp(-20 * distances).sum()
    assert chances == pytest.approx(expected.tolist())
    assert body["support"] == {
        "classes": [
            {"name": "rouge", "shots": 1, "distinct": 1, "spread": None},
            {"name": "bleu", "shots": 1, "distinct": 1, "spread": None},
        ],
        "notes": ["image 1 is also a support image"],
    }


@pytest.mark.parametrize(
    ("field", "remedy"),
    [("support_dataset", "`?support_dataset=…`"), ("image", "images, support")],
)
def test_a_form_field_that_means_nothing_is_refused(client, learner: str, field: str, remedy: str):
    files = {"images": ("a.png", b"x"), field: (None, "y")}

    problem = client.post(f"/v1/models/{learner}:predict", files=files).json()

    assert (problem["status"], problem["code"]) == (422, "unknown_field")
    assert remedy in problem["remedy"]


def test_without_prior_descriptors_are_plain_means(client, learner: str):
    answer = ask(client, learner, [RED], [(RED, "a"), (BLUE, "b")], prior=0)

    nearest = answer.json()["items"][0]["classes"][0]
    assert (nearest["name"], nearest["distance"]) == ("a", pytest.approx(0))


def test_uneven_classes_have_shares_of_their_own(client, learner: str):
    reds = [a_picture(f"#{value:02x}0000") for value in range(210, 216)]

    answer = ask(client, learner, [DARK_RED], [*((red, "many") for red in reds), (BLUE, "single")])

    body = answer.json()
    many, single = body["support"]["classes"]
    assert (many["shots"], many["distinct"], single["spread"]) == (6, 6, None)
    assert many["spread"] > 0
    assert body["support"]["notes"] == ["classes have 1 to 6 images"]
    mean = sum(range(210, 216)) / 6 / 255
    share = 1 / 7
    expected = (204 / 255 - mean * (1 - share / 2)) ** 2
    assert body["items"][0]["classes"][0]["distance"] == pytest.approx(expected, abs=1e-6)


def test_one_class_is_certain_and_distance_still_speaks(client, learner: str):
    body = ask(client, learner, [RED, BLUE], [(RED, "only")]).json()

    assert [item["classes"][0]["probability"] for item in body["items"]] == [1, 1]
    assert [item["outside"] for item in body["items"]] == [False, True]
    assert "there is one class, so there is nothing to choose between" in body["support"]["notes"]


def test_labels_are_trimmed_text_of_any_script(client, learner: str):
    support = [
        (RED, " 赤 "),
        (DARK_RED, "赤"),
        (BLUE, "青"),
        (GREEN, "A"),
        (a_picture("black"), "a"),
    ]

    body = ask(client, learner, [RED], support).json()

    assert [about["name"] for about in body["support"]["classes"]] == ["赤", "青", "A", "a"]


def test_the_same_picture_twice_counts_once(client, learner: str):
    again = io.BytesIO()
    Image.open(io.BytesIO(RED)).save(again, "BMP")
    single = ask(client, learner, [DARK_RED], [(RED, "a"), (BLUE, "b")]).json()

    double = ask(
        client, learner, [DARK_RED], [(RED, "a"), (BLUE, "b"), (again.getvalue(), "a")]
    ).json()

    assert double["items"] == single["items"]
    assert double["support"]["classes"][0] == {
        "name": "a", "shots": 2, "distinct": 1, "spread": None,
    }  # fmt: skip
    assert double["support"]["notes"] == ["support image 2 equals image 0 and counts once"]


def test_gray_pictures_are_converted(client, learner: str):
    file = io.BytesIO()
    Image.new("L", (20, 20), 255).save(file, "PNG")

    answer = ask(client, learner, [file.getvalue()], [(a_picture("white"), "a"), (RED, "b")])

    assert answer.json()["items"][0]["classes"][0]["name"] == "a"


def test_features_are_those_that_are_compared(client, learner: str):
    answer = ask(client, learner, [RED, BLUE], [], output="features")

    features = np.load(io.BytesIO(answer.content), allow_pickle=False)
    assert features.tolist() == [[1, 0, 0], [0, 0, 1]]


def test_a_stored_dataset_is_drawn_by_its_seed(apis: EveryApi, client, learner: str):
    dataset = a_stored_dataset(apis.zoo)
    answers = [
        ask(client, learner, [DARK_RED], [], support_dataset=dataset, shots=1, seed=seed).json()
        for seed in (0, 0, 1, 2, 3)
    ]
    chosen = ask(
        client, learner, [DARK_RED], [], support_dataset=dataset, classes=["b", "a"], shots=2
    ).json()

    assert answers[0] == answers[1]
    assert any(answer["items"] != answers[0]["items"] for answer in answers)
    assert [about["name"] for about in answers[0]["support"]["classes"]] == ["a", "b", "c"]
    assert [about["name"] for about in chosen["support"]["classes"]] == ["b", "a"]
    assert [about["shots"] for about in chosen["support"]["classes"]] == [2, 2]


def test_a_stored_dataset_goes_by_its_name(apis: EveryApi, client, learner: str):
    dataset = a_stored_dataset(apis.zoo)
    with apis.zoo.transaction() as session:
        session.get_one(DatasetRecord, dataset).name = "shades"

    by_id, by_name = (
        ask(client, learner, [DARK_RED], [], support_dataset=reference).json()
        for reference in (dataset, "shades")
    )

    assert by_name["items"] == by_id["items"]


# Support, options, code and pointer.
FAULTS: Mapping[str, tuple[list[Example], dict[str, Any], str, str]] = {
    "none": ([], {}, "support_missing", "/support"),
    "both": ([(RED, "a")], {"support_dataset": UNKNOWN}, "support_ambiguous", "/support_dataset"),
    "conflict": ([(RED, "a"), (RED, "b")], {}, "support_conflict", "/support"),
    "unreadable": ([(RED, "a"), (b"no image", "b")], {}, "image_unreadable", "/support"),
    "dataset": ([], {"support_dataset": UNKNOWN}, "unknown_dataset", "/support_dataset"),
    "classes": (
        [(RED, f"{number:03}") for number in range(201)],
        {},
        "too_many_support_classes",
        "/support_labels",
    ),
}
# The command line names the option that fills the field.
OPTIONS = {
    "/support": "--support",
    "/support_dataset": "--support-dataset",
    "/support_labels": "--support",
}
WRONG_LABELS = {"empty": " ", "long": "x" * 201}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_wrong_support_is_refused_alike_over_every_api(apis: EveryApi, learner: str, fault: str):
    support, options, code, pointer = FAULTS[fault]

    refusals = apis.refusals(learner, support, options)

    assert refusals == {
        **dict.fromkeys(("rest", "grpc", "client"), (code, pointer)),
        "cli": (code, OPTIONS[pointer]),
    }


def test_a_classifier_takes_no_support(apis: EveryApi, tmp_path: Path):
    model = a_network(apis.zoo, Classifier(), tmp_path)

    refusals = apis.refusals(model, [(RED, "a")], {})

    assert set(refusals.values()) == {
        ("support_not_taken", "/support"),
        ("support_not_taken", "--support"),
    }


MISPLACED = {
    "no folder of a class": [],
    "not in the folder of a class: b.png": ["a/1.png", "b.png"],
    "no images in: b": ["a/1.png", "b/.hidden"],
    "no image: a/more": ["a/1.png", "a/more/2.png"],
    "not in the folder of a class: 0.png, 1.png, 2.png, 3.png, 4.png and 2 more": [
        "a/1.png",
        *(f"{index}.png" for index in range(7)),
    ],
}


@pytest.mark.parametrize("problem", MISPLACED)
def test_nothing_in_the_support_folder_is_left_out(
    apis: EveryApi, learner: str, tmp_path: Path, problem: str
):
    query, folder = tmp_path / "query.png", tmp_path / "kinds"
    for path in (query, *(folder / name for name in MISPLACED[problem])):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(RED)
    folder.mkdir(exist_ok=True)

    printed = apis.shell.error("predict", learner, str(query), "--support", str(folder))

    assert printed["code"] == "support_folder_mismatch"
    assert printed["detail"] == f"--support: {problem}"
    assert printed["errors"] == [{"pointer": "--support", "reason": problem}]


@pytest.mark.parametrize("label", WRONG_LABELS)
def test_labels_have_one_to_two_hundred_characters(client, learner: str, label: str):
    answer = ask(client, learner, [RED], [(RED, WRONG_LABELS[label])])

    assert (answer.status_code, answer.json()["code"]) == (422, "support_labels_mismatch")


@pytest.mark.parametrize("query", [{"output": "features"}, {"layer": "pool"}])
def test_features_take_no_support(client, learner: str, query: dict[str, str]):
    answer = ask(client, learner, [RED], [(RED, "a")], **query)

    assert (answer.status_code, answer.json()["code"]) == (422, "support_not_taken")


def test_every_file_needs_a_label(client, learner: str):
    files = [("images", ("q.png", RED)), ("support", ("s.png", RED)), ("support", ("t.png", BLUE))]

    answer = client.post(
        f"/v1/models/{learner}:predict", files=files, data={"support_labels": ["a"]}
    )

    assert (answer.status_code, answer.json()["code"]) == (422, "support_labels_mismatch")
    assert "2 support images and 1 support label" in answer.json()["detail"]


def test_too_many_support_images_are_refused(client, learner: str):
    answer = ask(client, learner, [RED], [(RED, "a")] * 1001)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_support_count")
    assert "1000" in answer.json()["detail"]


def test_features_that_are_no_numbers_fail_the_prediction(apis: EveryApi, client, tmp_path: Path):
    model = a_learner(apis.zoo, tmp_path, Overflowing())

    answer = ask(client, model, [RED], [(RED, "a"), (BLUE, "b")])

    assert answer.json()["code"] == "prediction_failed"
    assert "NaN" not in answer.text


def test_every_api_answers_the_same(apis: EveryApi, client, learner: str, tmp_path: Path):
    support = [(RED, "a"), (BLUE, "b"), (RED, "a")]
    expected = ask(client, learner, [DARK_RED], support).json()
    folder, query = files_in(tmp_path, support)

    result = apis.client.models.predict(learner, [query], support=support_in(folder, {}))
    printed = apis.shell.json("predict", learner, str(query), "--support", str(folder))
    words = apis.shell.output("predict", learner, str(query), "--support", str(folder))
    response = apis.stubs.models.Predict(grpc_request(learner, support, {}))

    shown = {"items": expected["items"], "support": expected["support"]}
    assert result.classes == expected["items"]
    # Files of a folder are sent in the order of their classes.
    assert result.support is not None
    assert result.support["classes"] == expected["support"]["classes"]
    assert printed["items"] == shown["items"]
    assert printed["support"]["classes"] == expected["support"]["classes"]
    likeliest = response.classes.items[0].classes[0]
    assert likeliest.name == "a"
    assert likeliest.distance == pytest.approx(expected["items"][0]["classes"][0]["distance"])
    assert [about.name for about in response.classes.support.classes] == ["a", "b"]
    assert list(response.classes.support.notes) == expected["support"]["notes"]
    assert "counts once" in words
    assert "support of a: 2 images, 1 of them copies" in words


def test_an_ordinary_model_says_nothing_of_support(apis: EveryApi, client, tmp_path: Path):
    model = a_network(apis.zoo, Classifier(), tmp_path)

    body = ask(client, model, [RED], []).json()

    assert body["support"] is None
    assert body["items"][0]["outside"] is None


def test_support_outputs_are_computed_once():
    cache, runs = OutputCache(), []
    frames = torch.arange(3 * 12, dtype=torch.uint8).reshape(3, 2, 2, 3)

    def run(pictures: torch.Tensor) -> torch.Tensor:
        runs.append(len(pictures))
        return pictures.flatten(1).float()

    first = cache.outputs("key", frames[:2], run)
    second = cache.outputs("key", frames, run)
    other = cache.outputs("another", frames[:1], run)

    assert runs == [2, 1, 1]
    assert torch.equal(second[:2], first)
    assert torch.equal(other, first[:1])


def a_stored_dataset(zoo: Zoo) -> str:
    """The id of a dataset with three shades of three colors."""
    colors = [
        f"#{shade}0000" if label == 0 else f"#00{shade}00" if label == 1 else f"#0000{shade}"
        for label in range(3)
        for shade in ("80", "c0", "ff")
    ]
    files = [a_picture(color) for color in colors]
    with zoo.transaction() as session:
        packed = stored(zoo, b"".join(files))
        dataset = a_dataset(zoo, session, labels=["a", "b", "c"], images=9, packed_sha256=packed)
        session.query(ImageRecord).filter_by(dataset_id=dataset.id).delete()
        start = 0
        for position, data in enumerate(files):
            session.add(
                ImageRecord(
                    dataset_id=dataset.id, position=position, name=f"{position}.png",
                    label=position // 3, sha256=hashlib.sha256(data).hexdigest(),
                    media_type="image/png", start=start, length=len(data), width=40, height=30,
                )
            )  # fmt: skip
            start += len(data)
        return dataset.id
