"""The spans of an attempt at a job: the attempt, its steps, and the phases that its child reports."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

from service.adapters.spans import Attributes, Span, SpanKind, Spans
from service.core.errors import ZooError
from service.core.operations.jobs.lifecycle import AttemptStatus, Outcome
from service.core.results.live import DoneMessage, ErrorMessage
from service.core.tables import JobRecord
from workers.worker.lease import ChildResult

LEASE_LOST = "lease_lost"
CHILD_DIED = "job_process_died"
_FAILURES = frozenset({AttemptStatus.FAILED, AttemptStatus.LOST, AttemptStatus.WAITING})


@contextmanager
def attempt(spans: Spans, job: JobRecord) -> Iterator[Span]:
    """The span of an attempt, below the request that submitted the job."""
    attributes: Attributes = {
        "zooscope.job.id": job.id,
        "zooscope.job.method": job.method,
        "zooscope.job.attempt": job.attempts,
        "zooscope.project": job.project,
        "zooscope.worker": job.worker or "",
    }
    with spans.span(f"job {job.method}", kind=SpanKind.CONSUMER, attributes=attributes) as span:
        yield span


def note_outcome(span: Span, outcome: Outcome | None) -> None:
    """The span of an attempt says how it ended; ``outcome`` is None when the job was lost."""
    if outcome is None:
        span.fail(LEASE_LOST)
        return
    span.note({"zooscope.job.outcome": outcome.status.value})
    if outcome.status in _FAILURES:
        span.fail((outcome.error or {}).get("code", outcome.status.value))


@contextmanager
def step(spans: Spans, name: str) -> Iterator[Span]:
    """The span of a step of the attempt, which fails with the block."""
    with spans.span(name) as span:
        try:
            yield span
        except Exception as error:
            span.fail(error.code if isinstance(error, ZooError) else type(error).__name__)
            raise


def add_phases(span: Span, result: ChildResult, *, began: float, ended: float) -> None:
    """Record the phases of a child below its span, each of which lasts until the next one begins.

    The child is not trusted: its times are moved into the interval in which it was supervised, and
    into the order in which they arrived.

    Args:
        span: The span of the child.
        result: What the child reported.
        began: When the supervision began, by the monotonic clock.
        ended: When it ended.
    """
    starts = [began]
    for start in result.phases.values():
        starts.append(min(max(start, starts[-1]), ended))
    bounds = [start - began for start in (*starts[1:], ended)]
    names = list(result.phases)
    for name, (start, end) in zip(names, pairwise(bounds), strict=True):
        failure = _failure(result) if name == names[-1] else None
        span.add_part(name, start=start, end=end, error_type=failure)


def _failure(result: ChildResult) -> str | None:
    """Why a child failed in its last phase; None for one that ended well or was stopped."""
    message = result.final_message
    if isinstance(message, ErrorMessage):
        return message.error.code
    stopped = result.stop_reason is not None or isinstance(message, DoneMessage)
    return None if stopped else CHILD_DIED
