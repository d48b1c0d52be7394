"""Waiting until the zoo has made up its mind."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

from service.client.errors import ZooClientError

T = TypeVar("T")
_FIRST_PAUSE_SECONDS = 0.05
_LARGEST_PAUSE_SECONDS = 1.0
_UNSETTLED = frozenset({"awaited", "uploaded", "checking", "pending", "queued", "running"})


def settled(look: Callable[[], T], *, timeout_seconds: float) -> T:
    """What ``look`` finds once its ``state`` is one that stays.

    Raises:
        ZooClientError: ``timed_out``; what was asked for goes on in the zoo.
    """
    end = time.monotonic() + timeout_seconds
    pause = _FIRST_PAUSE_SECONDS
    while _state(found := look()) in _UNSETTLED:
        if time.monotonic() + pause > end:
            raise ZooClientError(
                f"still {_state(found)} after {timeout_seconds:g} s",
                code="timed_out",
                remedy="it goes on in the zoo; look again later, or wait longer",
            )
        time.sleep(pause)
        pause = min(_LARGEST_PAUSE_SECONDS, 1.5 * pause)
    return found


def _state(found: Any) -> str:
    return str(found["state"])
