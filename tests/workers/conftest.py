"""What all tests of workers share."""

from collections.abc import Iterator

import pytest

from tests.waiting import HANG_SECONDS
from workers.worker import lease


@pytest.fixture(scope="session", autouse=True)
def _patient_workers() -> Iterator[None]:
    """A job that is to end may take as long as a busy machine needs to write its checkpoint."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lease, "STOP_GRACE_SECONDS", HANG_SECONDS)
        yield
