"""Waiting until the zoo has made up its mind."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

import httpx

from service.client.errors import ZooClientError
from service.client.transport import Transport

T = TypeVar("T")
_ACCEPTED = 202
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


def finished(
    transport: Transport,
    path: str,
    *,
    params: Mapping[str, Any],
    timeout_seconds: float = 600.0,
) -> httpx.Response:
    """The answer of a GET that may first name a job (202) which has to end.

    Raises:
        ZooClientError: The job failed, with its code; or ``timed_out``.
    """
    headers = {"Prefer": "wait=10"}
    end = time.monotonic() + timeout_seconds
    while (
        answer := transport.request("GET", path, params=params, headers=headers)
    ).status_code == _ACCEPTED:
        job_path = f"/jobs/{answer.json()['id']}"
        left = max(0.0, end - time.monotonic())
        look = partial(transport.json, "GET", job_path)
        require_success(settled(look, timeout_seconds=left))
    return answer


def require_success(job: Any) -> None:
    """Pass on why a job ended without success, as a ZooClientError with the job's own code."""
    if job["state"] == "succeeded":
        return
    error = job.get("error") or {"code": job["state"], "detail": f"the job was {job['state']}"}
    raise ZooClientError(error["detail"], code=error["code"], remedy=error.get("remedy"))


def _state(found: Any) -> str:
    return str(found["state"])
