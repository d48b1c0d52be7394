"""Generated files equal what the code generates, and every error has a code of its own."""

import subprocess
import sys
from pathlib import Path

from service.core.errors import ZooError

ROOT = Path(__file__).parents[2]


def test_generated_pages_and_pictures_are_current():
    checked = subprocess.run(
        [sys.executable, ROOT / "deploy" / "pages.py", "check"], capture_output=True, text=True
    )

    assert checked.returncode == 0, checked.stderr


def test_grpc_stubs_are_current():
    checked = subprocess.run(
        [sys.executable, ROOT / "proto" / "generate.py", "check"], capture_output=True, text=True
    )

    assert checked.returncode == 0, checked.stderr


def test_every_error_has_a_code_of_its_own():
    classes = [ZooError, *_below(ZooError)]

    assert len({error.code for error in classes}) == len(classes)


def _below(kind: type[ZooError]) -> list[type[ZooError]]:
    direct = [sub for sub in kind.__subclasses__() if sub.__module__ == "service.core.errors"]
    return [*direct, *(deeper for sub in direct for deeper in _below(sub))]
