"""Specs and method packages are the same set, and every kind of method has all that a job needs."""

from dataclasses import is_dataclass
from inspect import signature
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from service.core.catalog import MethodKind, all_methods
from service.core.results import RESULTS
from workers import methods
from workers.child.load.inputs import LOADERS
from workers.child.save.results import SAVERS
from workers.methods import method_package
from workers.worker.record.results import RECORDERS
from workers.worker.stage.inputs import STAGERS

ROOT = Path(__file__).parents[2]
NAMES = sorted(spec.name for spec in all_methods())


def test_every_spec_has_a_package_and_every_package_a_spec() -> None:
    folder = Path(str(methods.__file__)).parent

    packages = sorted(path.parent.name for path in folder.glob("*/__init__.py"))

    assert packages == NAMES


@pytest.mark.parametrize("table", [STAGERS, LOADERS, SAVERS, RECORDERS, RESULTS])
def test_every_kind_is_staged_loaded_saved_recorded_and_typed(table: Any) -> None:
    assert set(table) == set(MethodKind)


def test_every_kind_has_a_method() -> None:
    assert {spec.kind for spec in all_methods()} == set(MethodKind)


@pytest.mark.parametrize("name", NAMES)
def test_every_package_runs_frozen_inputs_into_a_frozen_result(name: str) -> None:
    run = method_package(name).run
    types = get_type_hints(run)

    assert list(signature(run).parameters) == ["inputs", "params", "report"]
    for role in ("inputs", "return"):
        for kind in get_args(types[role]) or (types[role],):
            assert is_dataclass(kind)
            assert kind.__dataclass_params__.frozen  # type: ignore[attr-defined]


@pytest.mark.parametrize("spec", all_methods(), ids=lambda spec: spec.name)
def test_every_package_takes_the_params_of_its_spec(spec: Any) -> None:
    assert get_type_hints(method_package(spec.name).run)["params"] is spec.params


@pytest.mark.parametrize("name", NAMES)
def test_every_package_says_what_it_is(name: str) -> None:
    assert len((method_package(name).__doc__ or "").splitlines()) > 1


@pytest.mark.parametrize("name", NAMES)
def test_every_method_has_a_page_and_tests(name: str) -> None:
    assert (ROOT / "docs" / "methods" / f"{name}.md").is_file()
    assert list((ROOT / "tests" / "methods" / name).glob("test_*.py"))
