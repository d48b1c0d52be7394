"""A ``zooscope up`` of one's own, in a folder of its own, on free ports."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.platform.running import Up, started
from tests.waiting import HANG_SECONDS


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "zoo" / "home"


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """One that the tests of a module share, and hurt, and find whole again."""
    up = started(tmp_path_factory.mktemp("shared") / "home")
    yield up
    up.process.terminate()
    assert up.process.wait(HANG_SECONDS) == 0
