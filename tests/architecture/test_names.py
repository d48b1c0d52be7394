"""Names are the field's, and one class name means one class."""

import ast
from pathlib import Path

import pytest

from tests.architecture.names import bound_names, refused, refused_names

ROOT = Path(__file__).parents[2]


def test_every_name_is_one_of_the_field_and_a_class_name_means_one_class():
    assert [*refused_names(ROOT)] == []


def test_a_name_of_the_dialect_and_a_repeated_class_name_are_reported(tmp_path: Path):
    for name in ("first", "second"):
        path = tmp_path / "service" / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text("class Cat:\n    colour = 1\n")

    texts = [finding.text for finding in refused_names(tmp_path)]

    assert texts == ["colour", "colour", *2 * ["class Cat is one of 2"]]


@pytest.mark.parametrize(
    "name", ["nursery", "_told", "one", "NeighbourGraph", "colour", "exam_of"]
)
def test_dialect_is_refused(name: str):
    assert refused(name)


@pytest.mark.parametrize(
    "name", ["one_hot", "NotFoundError", "fork_server", "neighbors", "in_place"]
)
def test_words_of_the_field_are_not_refused(name: str):
    assert not refused(name)


def test_every_kind_of_binding_is_looked_at():
    source = "import a as b\nclass C:\n    d: int = 1\n    def e(self, f, *, g): self.h = f\nfor i in (): pass"

    assert {name for name, _ in bound_names(ast.parse(source))} >= {*"bCdefghi"}
