"""Labels come from the label files that people have, and every row and image is accounted for."""

import json

import pytest

from tests.methods.dataset_ingestion.uploads import (
    labels_by_name,
    notes_of,
    picture,
    reasons,
    zipped,
)

IMAGES = {f"images/{number}.png": picture(shade=number) for number in range(4)}


def lines(*rows: object) -> bytes:
    return "".join(f"{json.dumps(row)}\n" for row in rows).encode()


def of_images(text: str) -> bytes:
    """One line for each image, with its number and its label."""
    return "".join(text.format(number, "ab"[number % 2]) + "\n" for number in range(4)).encode()


FILES = {
    "without a header": ("labels.csv", of_images("images/{}.png,{}")),
    "with a header": ("labels.csv", b"file,label\n" + of_images("images/{}.png,{}")),
    "a byte order mark": ("labels.csv", b"\xef\xbb\xbffile,label\n" + of_images("images/{}.png,{}")),
    "semicolons": ("labels.csv", b"file;kind\n" + of_images("images/{}.png;{}")),
    "tabs": ("labels.tsv", b"file\tlabel\n" + of_images("images/{}.png\t{}")),
    "the label first": ("labels.csv", b"class,image\n" + of_images("{1},images/{0}.png")),
    "names without folders": ("labels.csv", b"id,label\n" + of_images("{}.png,{}")),
    "names without suffix": ("labels.csv", b"id,label\n" + of_images("{},{}")),
    "paths of another machine": ("labels.csv", b"p,label\n" + of_images("/home/me/images/{}.png,{}")),
    "backslashes": ("labels.csv", b"p,label\n" + of_images("C:\\data\\images\\{}.png,{}")),
    "imagefolder, CSV": ("images/metadata.csv", b"file_name,label\n" + of_images("{}.png,{}")),
    "imagefolder, JSON lines": (
        "images/metadata.jsonl",
        lines(*({"file_name": f"{n}.png", "label": "ab"[n % 2], "text": "?"} for n in range(4))),
    ),
    "UTF-16, as Excel saves text": (
        "labels.txt.csv", ("file\tlabel\n" + of_images("images/{}.png\t{}").decode()).encode("utf-16")
    ),
    "a line that tells Excel the delimiter": (
        "notes.csv", b"sep=;\nfile;label\n" + of_images("images/{}.png;{}")
    ),
    "a comment above": ("notes.csv", b"# mine, 2024\nfile,label\n" + of_images("images/{}.png,{}")),
    "single quotes": ("notes.csv", b"file,label\n" + of_images("'images/{}.png','{}'")),
    "quotes after spaces": ("notes.csv", b"file, label\n" + of_images('images/{}.png, "{}"')),
    "nested JSON": (
        "notes.jsonl",
        lines(*(
            {"image": {"path": f"images/{n}.png"}, "label": {"id": n % 2, "name": "ab"[n % 2]}}
            for n in range(4)
        )),
    ),
    "another usual name": ("notes.csv", b"file,size,target\n" + of_images("images/{}.png,3,{}")),
}  # fmt: skip


@pytest.mark.parametrize("case", FILES)
def test_a_label_file_labels_the_images_it_names(taken_in, case: str):
    name, content = FILES[case]

    result = taken_in(zipped({**IMAGES, name: content}))

    assert labels_by_name(result) == {
        f"images/{number}.png": "ab"[number % 2] for number in range(4)
    }
    assert [note.code for note in result.notes] == ["labels_from"]


def test_a_label_file_without_rows_leaves_the_folders(taken_in):
    files = {"cat/1.png": picture(shade=1), "dog/2.png": picture(shade=2)}

    result = taken_in(zipped({**files, "labels.csv": b"file,label\n"}))

    assert result.labels == ("cat", "dog")
    assert notes_of(result)["unused_label_file"] == 1


UNCLEAR = {
    "records without a name": [{"class": "a"}],
    "a mark for each class": [0, 0, 1],
    "truth values": [False, True],
}


@pytest.mark.parametrize("kind", UNCLEAR)
def test_a_value_that_names_no_class_is_refused_instead_of_spelled_out(taken_in, kind: str):
    rows = lines(*({"file_name": f"{n}.png", "label": UNCLEAR[kind]} for n in range(4)))

    result = taken_in(zipped({**IMAGES, "images/metadata.jsonl": rows}))

    assert reasons(result) == [("", "labels_unclear")]
    assert result.problems[0].remedy


def test_captions_are_no_labels(taken_in):
    files = {"cat/1.png": picture(shade=1), "dog/2.png": picture(shade=2)}
    captions = b"file_name,text\ncat/1.png,a cat\ndog/2.png,a dog\n"

    assert taken_in(zipped({**files, "metadata.csv": captions})).labels == ("cat", "dog")


def test_a_column_is_chosen_by_name(taken_in):
    table = b"file,breed,color\n" + of_images("images/{}.png,{},red")
    files = zipped({**IMAGES, "labels.csv": table})

    assert reasons(taken_in(files)) == [("", "ambiguous_labels")]
    assert taken_in(files, label_column="breed").labels == ("a", "b")
    assert reasons(taken_in(files, label_column="kind")) == [("", "unknown_column")]
    assert reasons(taken_in(zipped(IMAGES), label_column="kind")) == [("", "unknown_column")]


def test_rows_without_image_and_images_without_row_are_named(taken_in):
    table = b"file,label\nimages/0.png,a\nimages/1.png,b\nimages/2.png,a\nimages/9.png,a\n"
    files = zipped({**IMAGES, "labels.csv": table})

    refused = taken_in(files)
    accepted = taken_in(files, on_error="skip")

    assert reasons(refused) == [
        ("", "images_refused"), ("images/9.png", "missing_image"), ("images/3.png", "no_label"),
    ]  # fmt: skip
    assert len(accepted.images) == 3


def test_two_labels_of_one_image_are_refused(taken_in):
    table = b"file,label\n" + of_images("images/{}.png,{}") + b"images/0.png,b\n"

    result = taken_in(zipped({**IMAGES, "labels.csv": table}))

    assert reasons(result)[1:] == [("images/0.png", "several_labels")]


def test_a_name_that_several_images_have_is_refused(taken_in):
    files = {"x/1.png": picture(shade=1), "y/1.png": picture(shade=2)}

    result = taken_in(zipped({**files, "labels.csv": b"file,label\n1.png,a\nx/1.png,b\n"}))

    assert ("1.png", "ambiguous_image") in reasons(result)


SEVERAL = {
    "a list": ("metadata.jsonl", lines(*(
        {"file_name": f"images/{n}.png", "labels": labels}
        for n, labels in enumerate([["a"], ["a", "b"], [], ["b"]])
    ))),
    "bars": ("labels.csv", b"f,labels\nimages/0.png,a\nimages/1.png,a|b\nimages/2.png,\nimages/3.png,b\n"),
    "a column for each class": ("labels.csv", b"f,a,b\nimages/0.png,1,0\nimages/1.png,1,1\nimages/2.png,0,0\nimages/3.png,0,1\n"),
}  # fmt: skip


@pytest.mark.parametrize("case", SEVERAL)
def test_an_image_may_have_several_labels(taken_in, case: str):
    name, content = SEVERAL[case]

    result = taken_in(zipped({**IMAGES, name: content}))

    assert [image.label for image in result.images] == [("a",), ("a", "b"), (), ("b",)]
    assert result.labels == ("a", "b")


@pytest.mark.parametrize(
    ("name", "content"),
    [("labels.csv", b"\xfc\xfe,\xff"), ("metadata.jsonl", b'{"file_name": \n')],
)
def test_a_label_file_that_cannot_be_read_is_named(taken_in, name: str, content: bytes):
    result = taken_in(zipped({**IMAGES, name: content}))

    assert reasons(result) == [("", "broken_label_file")]
    assert name in result.problems[0].detail
