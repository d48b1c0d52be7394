"""Reads server-sent events, and resumes after broken connections."""

import json
import time
from collections.abc import Iterable, Iterator
from typing import cast

from zooscope.client.errors import ZooClientError
from zooscope.client.results import JobEvent
from zooscope.client.transport import Transport, is_transient

FINAL_STATES = frozenset({"succeeded", "failed", "cancelled"})
# The zoo sends at least a keep-alive comment every 15 seconds.
_SILENCE_SECONDS = 45.0


def job_events(transport: Transport, job_id: str, *, after: int = 0) -> Iterator[JobEvent]:
    """The events of a job after event ``after``, until the job has finished.

    Reconnects after a broken connection and resumes after the last event.

    Raises:
        ZooClientError: ``job_not_found``, or the zoo stayed unreachable.
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
            time.sleep(transport.retry_policy.pause(failures))


def _one_connection(transport: Transport, job_id: str, *, after: int) -> Iterator[JobEvent]:
    headers = {"Accept": "text/event-stream", "Last-Event-ID": str(after)}
    path = f"/jobs/{job_id}/events"
    with transport.stream(path, headers=headers, silence_seconds=_SILENCE_SECONDS) as answer:
        for data in event_data(answer.iter_lines()):
            yield cast("JobEvent", json.loads(data))


def event_data(lines: Iterable[str]) -> Iterator[str]:
    """The data of each event of a stream; comments and other fields are ignored."""
    collected: list[str] = []
    for line in lines:
        if line.startswith("data:"):
            collected.append(line.removeprefix("data:").removeprefix(" "))
        elif not line and collected:
            yield "\n".join(collected)
            collected = []
