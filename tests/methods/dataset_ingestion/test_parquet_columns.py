"""Parquet files as the Hugging Face hub stores them: columns, classes and shards."""

import io
import json
from collections.abc import Sequence

import pyarrow as pa
import pytest
from pyarrow import parquet

from tests.methods.dataset_ingestion.uploads import notes_of, picture, reasons, zipped

IMAGE = {"_type": "Image"}


def classes(*names: str) -> dict[str, object]:
    return {"names": list(names), "_type": "ClassLabel"}


def images(count: int = 4, first: int = 0) -> list[dict[str, object]]:
    return [{"bytes": picture(shade=first + n), "path": f"{n}.png"} for n in range(count)]


def written(columns: dict[str, Sequence[object]], features: dict[str, object]) -> bytes:
    table = pa.table(columns)
    described = json.dumps({"info": {"features": features}})
    buffer = io.BytesIO()
    parquet.write_table(table.replace_schema_metadata({"huggingface": described}), buffer)
    return buffer.getvalue()


def test_classes_keep_their_names_and_order(taken_in):
    features = {"image": IMAGE, "label": classes("zebra", "ant", "never")}

    result = taken_in(written({"image": images(), "label": [0, 1, 0, 1]}, features))

    assert result.labels == ("zebra", "ant", "never")
    assert [image.label for image in result.images] == ["zebra", "ant", "zebra", "ant"]


@pytest.mark.parametrize("image", ["image", "img", "jpg", "pixel_values", "photograph"])
@pytest.mark.parametrize("label", ["label", "labels", "fine_label", "target", "cls", "species"])
def test_columns_have_many_names(taken_in, image: str, label: str):
    features = {image: IMAGE, label: classes("ant", "bee"), "coarse": {"dtype": "int64"}}
    columns = {image: images(), label: [1, 0, 1, 0], "coarse": [0] * 4}

    result = taken_in(written(columns, features))

    assert result.labels == ("ant", "bee")
    assert result.images[0].label == "bee"


def test_of_several_columns_of_classes_the_usual_or_the_named_one_counts(taken_in):
    features = {"img": IMAGE, "fine_label": classes("ant", "bee"), "coarse_label": classes("fly")}
    columns = {"img": images(), "fine_label": [0, 1, 0, 1], "coarse_label": [0] * 4}
    unusual = {"img": IMAGE, "age": classes("old", "new"), "hat": classes("yes", "no")}

    assert taken_in(written(columns, features)).labels == ("ant", "bee")
    named = taken_in(written(columns, features), label_column="coarse_label")
    assert named.labels == ("fly",)
    refused = taken_in(written({"img": images(), "age": [0] * 4, "hat": [0] * 4}, unusual))
    assert reasons(refused) == [("", "ambiguous_labels")]
    assert "age, hat" in refused.problems[0].detail


def test_several_labels_of_an_image_stay_several(taken_in):
    lists = {"feature": classes("ant", "bee"), "_type": "List"}
    columns = {"image": images(), "labels": [[0, 1], [1], [], [0]]}

    described = taken_in(written(columns, {"image": IMAGE, "labels": lists}))
    bare = taken_in(written(columns, {"image": IMAGE}))

    assert [image.label for image in described.images] == [("ant", "bee"), ("bee",), (), ("ant",)]
    assert [image.label for image in bare.images] == [("0", "1"), ("1",), (), ("0",)]


def test_a_split_without_labels_is_unlabeled_and_says_so(taken_in):
    features = {"image": IMAGE, "label": classes("zebra", "ant")}

    result = taken_in(written({"image": images(), "label": [-1] * 4}, features))

    assert (result.labels, len(result.images)) == (None, 4)
    assert notes_of(result).keys() >= {"no_labels"}


def test_names_of_the_manifest_stand_for_integers(taken_in):
    file = written({"image": images(), "label": [1, 0, 1, 0]}, {})

    assert taken_in(file, labels=["ant", "bee"]).images[0].label == "bee"
    assert taken_in(file, labels=["1", "0"]).images[0].label == "1"


def test_numbers_of_floating_point_are_integers_and_nothing_is_no_label(taken_in):
    columns = {"image": images(), "label": [1.0, 0.0, float("nan"), 1.0]}

    result = taken_in(written(columns, {}), on_error="skip")

    assert [image.label for image in result.images] == ["1", "0", "1"]
    assert reasons(result)[1:] == [("000002", "no_label")]


@pytest.mark.parametrize(
    ("column", "word"),
    [([[0] * 48] * 4, "list<"), (["1.png"] * 4, "string"), ([7] * 4, "int64")],
    ids=["pixels", "paths", "numbers"],
)
def test_a_column_without_encoded_images_is_refused_with_its_type(taken_in, column, word: str):
    result = taken_in(written({"image": column, "label": [0] * 4}, {}))

    assert reasons(result) == [("", "no_images")]
    assert word in result.problems[0].detail


def test_rows_with_paths_alone_are_refused_with_the_path(taken_in):
    rows = [{"bytes": None, "path": f"images/{n}.png"} for n in range(4)]

    result = taken_in(written({"image": rows, "label": [0] * 4}, {"image": IMAGE}))

    assert result.problems[0].detail.startswith("4 of 4 images cannot be used")
    assert "images/0.png" in result.problems[1].detail


def shard(first: int, features: dict[str, object] | None = None) -> bytes:
    described = {"image": IMAGE, "label": classes("zebra", "ant")}
    return written({"image": images(2, first), "label": [0, 1]}, features or described)


def test_shards_are_one_set(taken_in):
    files = {f"data/train-0000{n}-of-00002.parquet": shard(10 * n) for n in range(2)}

    result = taken_in(zipped({**files, "README.md": b"a card"}))

    assert result.labels == ("zebra", "ant")
    assert [image.name for image in result.images] == [
        "data/train-00000-of-00002/000000", "data/train-00000-of-00002/000001",
        "data/train-00001-of-00002/000000", "data/train-00001-of-00002/000001",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "name", ["data/{}-00000-of-00001.parquet", "{}/0000.parquet", "default/{}/0000.parquet"]
)
def test_shards_of_several_splits_are_not_poured_together(taken_in, name: str):
    files = zipped({name.format(split): shard(n) for n, split in enumerate(("train", "test"))})

    assert reasons(taken_in(files)) == [("", "several_splits")]
    assert len(taken_in(files, split="test").images) == 2


def test_shards_with_other_classes_are_refused_by_name(taken_in):
    other = shard(10, {"image": IMAGE, "label": classes("ant", "zebra")})

    result = taken_in(zipped({"a-0.parquet": shard(0), "a-1.parquet": other}))

    assert reasons(result) == [("", "different_shards")]
    assert "a-1.parquet" in result.problems[0].detail


def test_a_shard_that_is_broken_is_refused_by_name(taken_in):
    result = taken_in(zipped({"a-0.parquet": shard(0), "a-1.parquet": b"PAR1" + bytes(50)}))

    assert [code for _, code in reasons(result)] == ["broken_parquet"]


def test_columns_of_a_dictionary_are_read_as_their_values(taken_in):
    data = pa.array([picture(shade=n) for n in range(4)], pa.binary()).dictionary_encode()
    labels = pa.array(["ant", "bee"] * 2).dictionary_encode()

    result = taken_in(written({"image": data, "label": labels}, {}))

    assert [image.label for image in result.images] == ["ant", "bee", "ant", "bee"]


NAMED = {
    "bytes": pa.array([b"ant", b"bee"] * 2, pa.binary()),
    "records": [{"id": 0, "name": "ant"}, {"id": 1, "name": "bee"}] * 2,
}


@pytest.mark.parametrize("kind", NAMED)
def test_text_in_bytes_and_records_with_a_name_are_labels(taken_in, kind: str):
    assert taken_in(written({"image": images(), "label": NAMED[kind]}, {})).labels == (
        "ant",
        "bee",
    )


UNCLEAR = {
    "a mark for each class": [[1, 0, 0], [0, 1, 0]] * 2,
    "truth values": [[True, False], [False, True]] * 2,
    "bytes that are no text": pa.array([b"\xff\xfe"] * 4, pa.binary()),
    "records without a name": [{"id": 0}] * 4,
}


@pytest.mark.parametrize("kind", UNCLEAR)
def test_a_value_that_names_no_class_is_refused(taken_in, kind: str):
    result = taken_in(written({"image": images(), "label": UNCLEAR[kind]}, {}))

    assert reasons(result) == [("", "labels_unclear")]
    assert result.problems[0].remedy


@pytest.mark.parametrize("are_shards", [False, True], ids=["one file", "shards"])
def test_a_column_of_splits_is_not_poured_together(taken_in, are_shards):
    def rows(first: int) -> bytes:
        split = ["train", "test", "train", "train"]
        columns = {"image": images(first=first), "label": ["ant", "bee"] * 2, "split": split}
        return written(columns, {})

    upload = zipped({"a.parquet": rows(0), "b.parquet": rows(9)}) if are_shards else rows(0)

    assert reasons(taken_in(upload)) == [("", "several_splits")]
    assert len(taken_in(upload, split="train").images) == (6 if are_shards else 3)
    assert reasons(taken_in(upload, split="dev"))[-1][1] in {"unknown_split", "no_images"}
