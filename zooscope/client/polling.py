"""Waiting until the zoo has made up its mind."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import httpx

from zooscope.client.errors import ZooClientError
from zooscope.client.transport import Transport

T = TypeVar("T")
_ACCEPTED = 202
_FIRST_PAUSE_SECONDS = 0.05
_LARGEST_PAUSE_SECONDS = 1.0
_UNSETTLED = frozenset({"uploaded", "checking", "pending", "queued", "running"})


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


@dataclass(frozen=True)
class Order:
    """The POST that has something made: its path and body."""

    path: str
    body: Mapping[str, Any]


def made(transport: Transport, order: Order, *, timeout_seconds: float = 600.0) -> Any:
    """The answer to a POST, or the job that it named (202) once that has succeeded.

    Raises:
        ZooClientError: The job failed, with its code; or ``timed_out``.
    """
    body = {name: value for name, value in order.body.items() if value is not None}
    answer = transport.request("POST", order.path, json=body, headers={"Prefer": "wait=10"})
    if answer.status_code != _ACCEPTED:
        return answer.json()
    look = partial(transport.json, "GET", f"/jobs/{answer.json()['id']}")
    job = settled(look, timeout_seconds=timeout_seconds)
    require_success(job)
    return job


def shown(
    transport: Transport, path: str, *, params: Mapping[str, Any], order: Order
) -> httpx.Response:
    """The answer of a GET; what was not measured yet is ordered and waited for first.

    Looking needs a key that reads, ordering one that may start jobs.

    Raises:
        ZooClientError: As ``made``.
    """
    try:
        return transport.request("GET", path, params=params)
    except ZooClientError as error:
        if error.code != "not_measured":
            raise
    made(transport, order)
    return transport.request("GET", path, params=params)


def require_success(job: Any) -> None:
    """Pass on why a job ended without success, as a ZooClientError with the job's own code."""
    if job["state"] == "succeeded":
        return
    error = job.get("error") or {"code": job["state"], "detail": f"the job was {job['state']}"}
    raise ZooClientError(error["detail"], code=error["code"], remedy=error.get("remedy"))


def _state(found: Any) -> str:
    return str(found["state"])
