"""Waits until the zoo has finished an operation."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar, cast

import httpx

from zooscope.client.errors import ZooClientError
from zooscope.client.results import JobProgress
from zooscope.client.transport import Transport

T = TypeVar("T")
OnJobProgress = Callable[[JobProgress], None]
_ACCEPTED = 202
_FIRST_PAUSE_SECONDS = 0.05
_LARGEST_PAUSE_SECONDS = 1.0
_LOOK_AGAIN_SECONDS = 0.5
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


def wait_while_pending(
    result: T,
    fetch: Callable[[T], T],
    *,
    on_progress: OnJobProgress | None,
    timeout_seconds: float,
    name: str,
    command: str,
) -> T:
    """The result of a job once it is ready; calls ``on_progress`` while it is pending.

    Args:
        result: The result as the zoo returned it.
        fetch: Gets it as it is now.
        on_progress: Called with the progress of the job.
        timeout_seconds: Longest wait.
        name: What messages call it.
        command: The command that shows the result later, for the remedy.

    Raises:
        ZooClientError: The code of the failed result; or ``timed_out``.
    """
    end = time.monotonic() + timeout_seconds
    current: Any = result
    while current["state"] == "pending":
        progress = current.get("progress")
        if on_progress is not None and progress is not None:
            on_progress(progress)
        if time.monotonic() > end:
            raise ZooClientError(
                f"the {name} is still pending after {timeout_seconds:g} s",
                code="timed_out",
                remedy=f"it continues in the zoo; check it with `{command} {current['id']}`",
            )
        time.sleep(_LOOK_AGAIN_SECONDS)
        current = fetch(current)
    if current["state"] == "failed":
        raise ZooClientError.failed(current, name=name)
    return cast("T", current)


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
    state = job["state"]
    raise ZooClientError.of(job.get("error"), code=state, detail=f"the job was {state}")


def _state(resource: Any) -> str:
    return str(resource["state"])
