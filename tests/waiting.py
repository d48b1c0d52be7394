"""How tests wait: for what happens, never for seconds.

One limit serves every wait. It is far above what a busy machine needs, because it only ends a test
that hangs; it says nothing about speed. Speeds are measured in ``benchmarks``.
"""

import time
from collections.abc import Callable

HANG_SECONDS = 300.0
POLL_SECONDS = 0.05


def eventually(check: Callable[[], object], *, facts: Callable[[], object] = str) -> None:
    """Return as soon as ``check`` holds.

    Args:
        check: Looks whether it has happened.
        facts: What to report when it never did: a log, a row.
    """
    give_up = time.monotonic() + HANG_SECONDS
    while not check():
        assert time.monotonic() < give_up, f"not within {HANG_SECONDS:g} s: {facts()}"
        time.sleep(POLL_SECONDS)
