"""Generated files equal what the code generates, and every method has all that belongs to it."""

import subprocess
import sys
from pathlib import Path

import pytest

from service.core.catalog import all_methods
from service.core.errors import ZooError
from workers.methods import method_package

ROOT = Path(__file__).parents[2]


def test_generated_pages_and_pictures_are_current():
    checked = subprocess.run(
        [sys.executable, ROOT / "deploy" / "pages.py", "check"], capture_output=True, text=True
    )

    assert checked.returncode == 0, checked.stderr


def test_grpc_stubs_are_current():
    found = subprocess.run(
        [sys.executable, ROOT / "proto" / "generate.py", "check"], capture_output=True, text=True
    )

    assert found.returncode == 0, found.stderr


@pytest.mark.parametrize("spec", all_methods(), ids=lambda spec: spec.name)
def test_every_card_has_a_room_of_its_name(spec):
    room = method_package(spec.name)

    assert callable(room.run)
    assert room.Inputs.__dataclass_params__.frozen


def test_every_room_has_a_card():
    rooms = {path.parent.name for path in (ROOT / "workers/methods").glob("*/__init__.py")}

    assert rooms == {spec.name for spec in all_methods()}


def test_every_error_has_a_code_of_its_own():
    classes = [ZooError, *_below(ZooError)]

    assert len({one.code for one in classes}) == len(classes)


def _below(kind: type[ZooError]) -> list[type[ZooError]]:
    ours = [one for one in kind.__subclasses__() if one.__module__ == "service.core.errors"]
    return [*ours, *(deeper for one in ours for deeper in _below(one))]
