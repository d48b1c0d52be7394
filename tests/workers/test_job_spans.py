"""A child's phases lie inside the time of its span, whatever times it claims."""

from dataclasses import dataclass, field

import pytest

from service.adapters.spans import Span
from service.core.results.live import DoneMessage, ErrorFacts, ErrorMessage
from workers.worker.job_spans import CHILD_DIED, add_phases
from workers.worker.lease import ChildResult, StopReason

BEGAN, ENDED = 100.0, 110.0
DONE = DoneMessage(kind="done")
BROKEN = ErrorMessage(
    kind="error",
    error=ErrorFacts(code="model_broken", detail="it broke", remedy=None),
    retryable=False,
    trace="",
)


@dataclass
class ListedParts(Span):
    """A span that lists its parts."""

    parts: list[tuple[str, float, float, str | None]] = field(default_factory=list)

    def add_part(
        self, name: str, *, start: float, end: float, error_type: str | None = None
    ) -> None:
        self.parts.append((name, start, end, error_type))


def parts_of(result: ChildResult) -> list[tuple[str, float, float, str | None]]:
    span = ListedParts()
    add_phases(span, result, began=BEGAN, ended=ENDED)
    return span.parts


def test_each_phase_lasts_until_the_next_one_begins():
    result = ChildResult(None, DONE, {"load": 101.0, "run": 103.0, "write": 109.0})

    assert parts_of(result) == [
        ("load", 1.0, 3.0, None),
        ("run", 3.0, 9.0, None),
        ("write", 9.0, 10.0, None),
    ]


def test_a_child_without_phases_has_no_parts():
    assert parts_of(ChildResult(None, BROKEN)) == []


@pytest.mark.parametrize(
    "claimed", [(0.0, 1e18, 5.0), (1e18, 0.0, 0.0), (109.0, 101.0, 105.0), (0.0, 0.0, 0.0)]
)
def test_invented_times_stay_in_the_interval_and_in_order(claimed: tuple[float, float, float]):
    phases = dict(zip(("load", "run", "write"), claimed, strict=True))

    parts = parts_of(ChildResult(None, DONE, phases))

    times = [time for _, start, end, _ in parts for time in (start, end)]
    assert times == sorted(times)
    assert (times[0] >= 0.0, times[-1]) == (True, ENDED - BEGAN)


@pytest.mark.parametrize(
    ("result", "error_type"),
    [
        (ChildResult(None, BROKEN), "model_broken"),
        (ChildResult(None, None), CHILD_DIED),
        (ChildResult(StopReason.CANCELLED, None), None),
        (ChildResult(None, DONE), None),
    ],
)
def test_the_last_phase_of_a_child_that_failed_is_marked(
    result: ChildResult, error_type: str | None
):
    result.phases = {"load": 101.0, "run": 103.0}

    assert [failure for *_, failure in parts_of(result)] == [None, error_type]
