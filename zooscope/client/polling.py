"""Waits until the zoo has finished an operation."""

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


def wait_until_final(fetch: Callable[[], T], *, timeout_seconds: float) -> T:
    """The resource that ``fetch`` returns once its ``state`` is final.

    Raises:
        ZooClientError: ``timed_out``; the operation continues in the zoo.
    """
    end = time.monotonic() + timeout_seconds
    pause = _FIRST_PAUSE_SECONDS
    while _state(resource := fetch()) in _UNSETTLED:
        if time.monotonic() + pause > end:
            raise ZooClientError(
                f"still {_state(resource)} after {timeout_seconds:g} s",
                code="timed_out",
                remedy="it continues in the zoo; check again later, or wait longer",
            )
        time.sleep(pause)
        pause = min(_LARGEST_PAUSE_SECONDS, 1.5 * pause)
    return resource


@dataclass(frozen=True)
class CreateRequest:
    """Path and body of a POST that creates a resource."""

    path: str
    body: Mapping[str, Any]


def create_and_wait(
    transport: Transport, create_request: CreateRequest, *, timeout_seconds: float = 600.0
) -> Any:
    """The response to a POST, or the job that it named (202) once that has succeeded.

    Raises:
        ZooClientError: The code of the failed job; or ``timed_out``.
    """
    body = {name: value for name, value in create_request.body.items() if value is not None}
    answer = transport.request(
        "POST", create_request.path, json=body, headers={"Prefer": "wait=10"}
    )
    if answer.status_code != _ACCEPTED:
        return answer.json()
    fetch = partial(transport.json, "GET", f"/jobs/{answer.json()['id']}")
    job = wait_until_final(fetch, timeout_seconds=timeout_seconds)
    require_success(job)
    return job


def get_or_create(
    transport: Transport, path: str, *, params: Mapping[str, Any], create_request: CreateRequest
) -> httpx.Response:
    """The response to a GET; creates what is not measured yet and waits for it.

    Reading needs a key with the scope ``read``, creating one with ``jobs``.

    Raises:
        ZooClientError: Those of ``create_and_wait``.
    """
    try:
        return transport.request("GET", path, params=params)
    except ZooClientError as error:
        if error.code != "not_measured":
            raise
    create_and_wait(transport, create_request)
    return transport.request("GET", path, params=params)


def require_success(job: Any) -> None:
    """Raise ZooClientError with the job's own code unless the job has succeeded."""
    if job["state"] == "succeeded":
        return
    error = job.get("error") or {"code": job["state"], "detail": f"the job was {job['state']}"}
    raise ZooClientError(error["detail"], code=error["code"], remedy=error.get("remedy"))


def _state(resource: Any) -> str:
    return str(resource["state"])
