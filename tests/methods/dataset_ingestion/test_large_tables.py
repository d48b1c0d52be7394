"""Label files with very many rows, or very long texts, are read in linear time and refused by name."""

from dataclasses import replace
from pathlib import PurePosixPath

import pytest

from service.core.results.datasets import ImageProblemFacts, NoteFacts
from tests.methods.dataset_ingestion.uploads import LIMITS, notes_of, picture, reasons, zipped
from workers.methods.dataset_ingestion.image_names import ImageNames
from workers.methods.dataset_ingestion.named_rows import NamedRows

MANY = 20_000
LONG = "x" * 100_000
LARGE = replace(LIMITS, image_bytes=10**7)
ONE = {"1.png": picture()}
TWO = {**ONE, "2.png": picture(shade=200)}


def test_images_of_many_folders_with_one_name_are_named_in_linear_time():
    names = ImageNames(f"d{number}/x.png" for number in range(MANY))

    named = [
        names.named(f"{folder}/x.png", PurePosixPath())
        for number in range(MANY)
        for folder in (f"elsewhere/d{number}", f"q{number}")
    ]

    assert named[::2] == [(f"d{number}/x.png",) for number in range(MANY)]
    assert not any(named[1::2])


def test_an_image_with_many_labels_is_refused_in_linear_time(taken_in):
    rows = "".join(f"1.png,c{number}\n" for number in range(5 * MANY))

    result = taken_in(zipped({**ONE, "labels.csv": f"path,label\n{rows}".encode()}), limits=LARGE)

    assert reasons(result) == [("", "images_refused"), ("1.png", "several_labels")]


def test_columns_that_may_divide_a_set_cost_what_is_in_them():
    columns = [f"set{number}" for number in range(MANY)]
    table = NamedRows(PurePosixPath("a.csv"), ["path", *columns], [{"path": "a"}] * MANY, "path")

    assert table.split is None


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_a_table_of_a_whole_set_labels_the_part_that_was_sent(taken_in, suffix: str):
    names = [*(f"{number}.jpg" for number in range(1500)), "1.png"]
    forms = {
        "csv": "path,label\n" + "".join(f"{name},fox\n" for name in names),
        "jsonl": "".join(f'{{"path": "{name}", "label": "fox"}}\n' for name in names),
    }

    files = {**ONE, f"labels.{suffix}": forms[suffix].encode()}
    result = taken_in(zipped(files), on_error="skip")

    assert [image.label for image in result.images] == ["fox"]


def test_a_row_that_is_repeated_is_one_problem(taken_in):
    table = b"path,label\n1.png,a\n" + b"nothing.png,b\n" * 10

    result = taken_in(zipped({**ONE, "labels.csv": table}))

    assert reasons(result) == [("", "images_refused"), ("nothing.png", "missing_image")]


@pytest.mark.parametrize(
    ("table", "code"),
    [
        (f"path,label\n1.png,{LONG}\n2.png,b\n", "label_too_long"),
        (f"path,label\n1.png,{LONG}\n1.png,b\n2.png,b\n", "several_labels"),
        (f"path,label\n1.png,a\n2.png,b\n{LONG}.png,c\n", "missing_image"),
        (f"path,label,split\n1.png,a,{LONG}\n2.png,b,train\n", "several_splits"),
        (f"path,{LONG},{LONG}y\n1.png,a,b\n2.png,b,c\n", "ambiguous_labels"),
    ],
)
def test_a_text_that_nobody_reads_is_cut_in_the_refusal(taken_in, table: str, code: str):
    result = taken_in(zipped({**TWO, "labels.csv": table.encode()}), limits=LARGE)

    assert code in [problem.code for problem in result.problems]
    for problem in result.problems:
        ImageProblemFacts.model_validate(problem, from_attributes=True)
        assert problem.remedy
        assert len(problem.name + problem.detail) < 5000


def test_remarks_are_cut_and_counted(taken_in):
    rows = "".join(f"{number}.png,a,s{number}\n" for number in range(150))
    images = {f"{number}.png": picture(shade=number) for number in range(50)}
    table = f"path,label,split\n{rows}49.png,a,{LONG}\n"

    result = taken_in(zipped({**images, "labels.csv": table.encode()}), limits=LARGE, split="s5")

    for note in result.notes:
        NoteFacts.model_validate(note, from_attributes=True)
    assert len(result.notes) <= 101
    assert "other_splits" in notes_of(result)
