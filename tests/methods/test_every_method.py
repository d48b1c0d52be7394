"""Cards and methods are the same set, and every method has its three names, its page and its tests."""

from dataclasses import is_dataclass
from inspect import signature
from pathlib import Path

import pytest

from service.core.catalog import all_methods
from workers import methods
from workers.methods import method_package

ROOT = Path(__file__).parents[2]
NAMES = sorted(spec.name for spec in all_methods())


def test_every_card_has_a_room_and_every_room_a_card() -> None:
    folder = Path(str(methods.__file__)).parent

    rooms = sorted(path.parent.name for path in folder.glob("*/__init__.py"))

    assert rooms == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_room_exports_inputs_result_and_run(name: str) -> None:
    room = method_package(name)

    assert is_dataclass(room.Inputs)
    assert is_dataclass(room.Result)
    assert room.Inputs.__dataclass_params__.frozen
    assert list(signature(room.run).parameters) == ["inputs", "params", "report"]


@pytest.mark.parametrize("name", NAMES)
def test_every_room_says_what_it_is(name: str) -> None:
    assert len((method_package(name).__doc__ or "").splitlines()) > 1


@pytest.mark.parametrize("name", NAMES)
def test_every_method_has_a_page_and_tests(name: str) -> None:
    assert (ROOT / "docs" / "methods" / f"{name}.md").is_file()
    assert list((ROOT / "tests" / "methods" / name).glob("test_*.py"))
