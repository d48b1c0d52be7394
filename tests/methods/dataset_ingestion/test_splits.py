"""The splits of a set are never poured together: one is chosen, or the upload is refused."""

import pytest

from tests.methods.dataset_ingestion.uploads import notes_of, picture, reasons, tree, zipped

SPLITS = {
    "around the classes": tree("pets/train/cat", "pets/train/dog", "pets/val/cat", "pets/val/dog"),
    "inside of the classes": tree("cat/train", "cat/val", "dog/train", "dog/val"),
    "with containers": tree("train/cat/images", "train/dog/images", "val/images"),
    "doubled folders": tree(
        "training_set/training_set/cat", "training_set/training_set/dog", "valset/valset/cat"
    ),
    "years": tree("train2017/cat", "train2017/dog", "val2017/cat", "extra/cat"),
}


@pytest.mark.parametrize("case", SPLITS)
def test_splits_are_named_when_none_is_chosen(taken_in, case: str):
    result = taken_in(zipped(SPLITS[case]))

    assert reasons(result) == [("", "several_splits")]
    assert "train" in result.problems[0].detail
    assert "val" in result.problems[0].detail
    assert "--split" in result.problems[0].remedy


@pytest.mark.parametrize("case", SPLITS)
def test_the_chosen_split_is_read_and_the_others_are_reported(taken_in, case: str):
    result = taken_in(zipped(SPLITS[case]), split="train")

    assert result.labels == ("cat", "dog")
    assert len(result.images) == 4
    assert notes_of(result)["other_splits"] == len(SPLITS[case]) - 4


def test_a_split_that_is_not_there_is_refused_with_those_that_are(taken_in):
    files = zipped(SPLITS["around the classes"])

    result = taken_in(files, split="test")

    assert reasons(result) == [("", "unknown_split")]
    assert "train, val" in result.problems[0].detail
    assert reasons(taken_in(zipped(tree("cat", "dog")), split="train")) == [("", "unknown_split")]


def test_the_only_split_may_be_named(taken_in):
    assert taken_in(zipped(tree("train/cat", "train/dog")), split="train").labels == ("cat", "dog")


def test_one_class_that_is_called_like_a_split_is_a_class(taken_in):
    assert taken_in(zipped(tree("train", "car", "bus"))).labels == ("bus", "car", "train")


def test_splits_without_labels_are_not_poured_together_either(taken_in):
    flat = zipped(tree("train", "test"))

    assert reasons(taken_in(flat, layout="flat")) == [("", "several_splits")]
    assert len(taken_in(flat, layout="flat", split="test").images) == 2


TABLE = b"path,label,split\n0.png,a,train\n1.png,b,train\n2.png,a,test\n"


def test_splits_in_a_column_are_not_poured_together(taken_in):
    files = zipped({"labels.csv": TABLE, **{f"{n}.png": picture(shade=n) for n in range(3)}})

    assert reasons(taken_in(files)) == [("", "several_splits")]
    assert [image.name for image in taken_in(files, split="test").images] == ["2.png"]


COLUMNS = {
    "another name": ("data set", ["train", "train", "test"]),
    "a mark of one part": ("is_valid", ["False", "False", "True"]),
}


@pytest.mark.parametrize("case", COLUMNS)
def test_a_column_with_another_name_divides_the_set_too(taken_in, case: str):
    name, values = COLUMNS[case]
    rows = "".join(f"{n}.png,{'aba'[n]},{values[n]}\n" for n in range(3))
    files = {f"{n}.png": picture(shade=n) for n in range(3)}
    upload = zipped({**files, "labels.csv": f"path,label,{name}\n{rows}".encode()})

    assert reasons(taken_in(upload)) == [("", "several_splits")]
    assert len(taken_in(upload, split="train").images) == 2


def test_a_column_of_other_words_divides_nothing(taken_in):
    rows = b"path,label,set\n0.png,a,left\n1.png,b,right\n"
    files = {f"{n}.png": picture(shade=n) for n in range(2)}

    assert len(taken_in(zipped({**files, "labels.csv": rows})).images) == 2


def test_splits_of_several_label_files_are_not_poured_together(taken_in):
    files = zipped({
        "train.csv": b"path,label\n0.png,a\n1.png,b\n", "val.csv": b"path,label\n2.png,a\n",
        **{f"{n}.png": picture(shade=n) for n in range(3)},
    })  # fmt: skip

    assert reasons(taken_in(files)) == [("", "several_splits")]
    assert [image.label for image in taken_in(files, split="train").images] == ["a", "b"]
