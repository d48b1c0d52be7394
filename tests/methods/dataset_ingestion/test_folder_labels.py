"""The level of folders that varies names the classes; what could mean two things is refused."""

import unicodedata

import pytest

from tests.methods.dataset_ingestion.uploads import (
    labels_by_name,
    notes_of,
    picture,
    reasons,
    tarred,
    tree,
    zipped,
)

CLASSES = {
    "a folder around the classes": (tree("pets/cat", "pets/dog"), ("cat", "dog")),
    "two folders around them": (tree("a/pets/cat", "a/pets/dog"), ("cat", "dog")),
    "the same folder in each class": (tree("n01/images", "n02/images"), ("n01", "n02")),
    "the split's folder around Tiny ImageNet": (
        tree("tiny/train/n01/images", "tiny/train/n02/images"), ("n01", "n02"),
    ),
    "a folder of its own in each class": (tree("n01/n01_images", "n02/n02_images"), ("n01", "n02")),
    "one class": (tree("cat"), ("cat",)),
    "one class in a container": (tree("cat/images"), ("cat",)),
    "one class with a folder of more": (tree("cat", "cat/more"), ("cat",)),
    "a folder of more in one of the classes": (tree("cat", "cat/more", "dog"), ("cat", "dog")),
    "a container alone": (tree("images"), None),
    "a split alone": (tree("train"), None),
    "upper and lower case": (tree("Cat", "cat"), ("Cat", "cat")),
    "spaces and symbols": (tree("golden retriever ", "🐈 chat é"), ("golden retriever ", "🐈 chat é")),
    "composed letters": (
        tree(unicodedata.normalize("NFD", "Café"), "dog"), ("Café", "dog"),
    ),
    "numbers": (tree("0", "1", "2", "10", "11"), ("0", "1", "2", "10", "11")),
}  # fmt: skip


@pytest.mark.parametrize("case", CLASSES)
@pytest.mark.parametrize("pack", [zipped, tarred])
def test_the_level_that_varies_names_the_classes(taken_in, pack, case: str):
    files, classes = CLASSES[case]

    result = taken_in(pack(files))

    assert len(result.images) == len(files)
    assert result.labels == classes


BREEDS = tree("cat/siamese", "cat/other", "dog/beagle", "dog/other")


def test_two_levels_that_vary_are_refused_with_the_choices(taken_in):
    result = taken_in(zipped(BREEDS))

    assert reasons(result) == [("", "ambiguous_labels")]
    assert "3 classes (beagle, other, siamese)" in result.problems[0].detail
    assert "--label-folder" in result.problems[0].remedy


@pytest.mark.parametrize(
    ("rule", "classes"),
    [
        ("first", ("cat", "dog")),
        ("last", ("beagle", "other", "siamese")),
        ("path", ("cat/other", "cat/siamese", "dog/beagle", "dog/other")),
    ],
)
def test_the_manifest_says_which_level_names_the_classes(taken_in, rule: str, classes):
    result = taken_in(zipped(BREEDS), label_folder=rule)

    assert result.labels == classes
    assert labels_by_name(result)["dog/other/0.png"] in {"dog", "other", "dog/other"}


def test_sets_with_the_same_classes_are_not_poured_together(taken_in):
    files = tree("part1/cat", "part1/dog", "part2/cat", "part2/dog")

    assert reasons(taken_in(zipped(files))) == [("", "ambiguous_labels")]


@pytest.mark.parametrize("other", ["masks", "annotations", "SegmentationClass"])
def test_folders_of_images_and_their_masks_are_no_classes(taken_in, other: str):
    result = taken_in(zipped(tree("set/images", f"set/{other}")))

    assert reasons(result) == [("", "no_classes")]
    assert other in result.problems[0].detail


def test_images_without_any_label_say_so(taken_in):
    files = {"cat.1.png": picture(shade=1), "dog.2.png": picture(shade=2)}

    assert notes_of(taken_in(zipped(files))).keys() == {"no_labels"}
    assert notes_of(taken_in(zipped(files), layout="flat")) == {}


def test_an_image_outside_of_the_classes_is_named(taken_in):
    files = {**tree("pets/cat", "pets/dog"), "pets/cover.png": picture(shade=99)}

    refused = taken_in(zipped(files))
    accepted = taken_in(zipped(files), on_error="skip")

    assert reasons(refused) == [("", "images_refused"), ("pets/cover.png", "no_label")]
    assert (accepted.labels, len(accepted.images)) == (("cat", "dog"), 4)


def test_classes_that_differ_in_case_or_spaces_are_pointed_out(taken_in):
    assert notes_of(taken_in(zipped(tree("Cat", "cat ")))).keys() >= {"similar_labels"}


def test_what_is_no_image_is_left_out_and_reported(taken_in):
    others = {"README.txt": b"our pets", "cat/boxes.txt": b"0 0 1 1", "LICENSE": b"free"}
    hidden = {".DS_Store": b"\0", "cat/.hidden.png": picture(), "__MACOSX/cat/._0.png": b"\0"}

    result = taken_in(zipped({**tree("cat", "dog"), **others, **hidden}))

    assert result.labels == ("cat", "dog")
    assert len(result.images) == 4
    assert notes_of(result)["skipped_files"] == 3
    assert notes_of(result)["hidden_files"] == 3
    (note,) = [note for note in result.notes if note.code == "skipped_files"]
    assert set(note.names) == set(others)


def test_an_image_without_a_suffix_is_an_image(taken_in):
    assert (
        len(taken_in(zipped({"cat/1": picture(shade=1), "dog/2": picture(shade=2)})).images) == 2
    )


def test_a_folder_without_images_is_reported_and_no_class(taken_in):
    result = taken_in(zipped({**tree("cat", "dog"), "bird/": b""}))

    assert result.labels == ("cat", "dog")
    assert notes_of(result)["empty_folders"] == 1
