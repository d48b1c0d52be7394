"""Fixtures for ``zooscope up`` in its own folder on free ports."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.platform.running import Up, started
from tests.waiting import HANG_SECONDS


@pytest.fixture
def home(open_folder: Path) -> Path:
    return open_folder / "zoo" / "home"


@pytest.fixture(scope="module")
def up() -> Iterator[Up]:
    """One ``zooscope up`` that the tests of a module share; each leaves it working."""
    with TemporaryDirectory(prefix="zoo-") as name:
        up = started(Path(name) / "home")
        yield up
        up.process.terminate()
        assert up.process.wait(HANG_SECONDS) == 0
