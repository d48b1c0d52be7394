"""Reads server-sent events, and resumes after broken connections."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, cast

from zooscope.client.errors import ZooClientError, error_in
from zooscope.client.results import JobEvent, ProjectEvent
from zooscope.client.transport import Transport, is_transient

FINAL_STATES = frozenset({"succeeded", "failed", "cancelled"})
# The zoo sends at least a keep-alive comment every 15 seconds.
_SILENCE_SECONDS = 45.0


def job_events(transport: Transport, job_id: str, *, after: int = 0) -> Iterator[JobEvent]:
    """The events of a job after event ``after``, until the job has finished.

    Reconnects after a broken connection and resumes after the last event.

    Raises:
        ZooClientError: ``job_not_found``, ``unauthenticated`` if the key became invalid meanwhile, or
            the zoo stayed unreachable.
    """
    failures = 0
    while True:
        try:
            for event in _one_connection(transport, job_id, after=after):
                after, failures = event["seq"], 0
                yield event
            if transport.json("GET", f"/jobs/{job_id}")["state"] in FINAL_STATES:
                return
        except ZooClientError as error:
            failures += 1
            if not is_transient(error) or failures >= transport.retry_policy.attempts:
                raise
            transport.pause(error, failures)


def _one_connection(transport: Transport, job_id: str, *, after: int) -> Iterator[JobEvent]:
    headers = {"Accept": "text/event-stream", "Last-Event-ID": str(after)}
    path = f"/jobs/{job_id}/events"
    with transport.stream(path, headers=headers, silence_seconds=_SILENCE_SECONDS) as answer:
        for message in server_sent_events(answer.iter_lines()):
            if message.data:
                yield cast("JobEvent", _data_of(message))


def project_events(transport: Transport, *, after: str | None = None) -> Iterator[ProjectEvent]:
    """The events of the project after event ``after``, or from now on; it does not end.

    Reconnects after a broken connection and resumes after the last event.

    Raises:
        ZooClientError: ``events_expired``, ``unauthenticated`` if the key became invalid meanwhile,
            or the zoo stayed unreachable.
    """
    failures = 0
    while True:
        headers = {"Accept": "text/event-stream"}
        if after is not None:
            headers["Last-Event-ID"] = after
        try:
            with transport.stream(
                "/events", headers=headers, silence_seconds=_SILENCE_SECONDS
            ) as answer:
                for message in server_sent_events(answer.iter_lines()):
                    after, failures = message.id or after, 0
                    if message.data:
                        yield cast("ProjectEvent", _data_of(message))
        except ZooClientError as error:
            failures += 1
            if not is_transient(error) or failures >= transport.retry_policy.attempts:
                raise
            transport.pause(error, failures)


@dataclass(frozen=True)
class ServerSentEvent:
    """One message of a stream; empty texts where it has no such field."""

    type: str
    id: str
    data: str


def _data_of(message: ServerSentEvent) -> Any:
    """What a message is about. Raises ZooClientError if it says why the stream ends."""
    data = json.loads(message.data)
    if message.type == "error":
        raise error_in(data)
    return data


def server_sent_events(lines: Iterable[str]) -> Iterator[ServerSentEvent]:
    """Each message of a stream; comments and other fields are ignored."""
    kind, id_, collected = "message", "", list[str]()
    for line in lines:
        field, _, value = line.partition(":")
        if field == "data":
            collected.append(value.removeprefix(" "))
        elif field == "event":
            kind = value.removeprefix(" ")
        elif field == "id":
            id_ = value.removeprefix(" ")
        elif not line:
            if collected or id_:
                yield ServerSentEvent(kind, id_, "\n".join(collected))
            kind, id_, collected = "message", "", []
