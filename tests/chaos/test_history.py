"""Each broken history shows exactly the rule that it breaks."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.chaos.history import (
    RULES,
    BlobStatus,
    EventRow,
    JobRow,
    ModelRow,
    RunRow,
    ZooHistory,
    violations,
)

START = datetime(2030, 1, 1, tzinfo=UTC)
JOB = JobRow(
    id="job_1",
    state="succeeded",
    events=5,
    attempts=2,
    max_attempts=3,
    fence=2,
    has_live_lease=False,
    has_result=True,
)
TYPES = ("queued", "started", "requeued", "started", "succeeded")
EVENTS = tuple(EventRow("job_1", seq, name) for seq, name in enumerate(TYPES, start=1))
RUNS = tuple(
    RunRow("job_1", fence, START + timedelta(seconds=fence), START + timedelta(seconds=fence + 1))
    for fence in (1, 2)
)
SOUND = ZooHistory(
    jobs=(JOB,),
    events=EVENTS,
    runs=RUNS,
    models=(ModelRow("mdl_1", "ready", "job_1"),),
    blobs={"a" * 64: BlobStatus.INTACT},
)
WAITING = JobRow(
    id="job_2",
    state="queued",
    events=1,
    attempts=0,
    max_attempts=3,
    fence=0,
    has_live_lease=False,
    has_result=False,
)
WAITING_EVENT = EventRow("job_2", 1, "queued")
RUNNING = replace(WAITING, state="running", events=2, attempts=1, fence=1)
RUNNING_EVENTS = (WAITING_EVENT, EventRow("job_2", 2, "started"))


def with_job(**changes: object) -> ZooHistory:
    """The sound history with another row of its job."""
    return replace(SOUND, jobs=(replace(JOB, **changes),))  # type: ignore[arg-type]


def with_types(*types: str) -> ZooHistory:
    """The sound history with other events of its job."""
    events = tuple(EventRow("job_1", seq, name) for seq, name in enumerate(types, start=1))
    return replace(SOUND, jobs=(replace(JOB, events=len(events)),), events=events)


def with_running(*, lease: bool) -> ZooHistory:
    """The sound history and a running job."""
    run = RunRow("job_2", 1, START, None)
    return replace(
        SOUND,
        jobs=(JOB, replace(RUNNING, has_live_lease=lease)),
        events=(*EVENTS, *RUNNING_EVENTS),
        runs=(*RUNS, run),
    )


BROKEN: dict[str, tuple[str, ZooHistory]] = {
    "a missing event": (
        "events_without_gaps",
        replace(SOUND, events=(*EVENTS[:2], *EVENTS[3:])),
    ),
    "an event too many": ("events_without_gaps", with_job(events=4)),
    "two ends": ("one_terminal_event", with_types(*TYPES, "succeeded")),
    "an end of another kind": ("one_terminal_event", with_types(*TYPES[:-1], "failed")),
    "no end": ("one_terminal_event", with_types(*TYPES[:-1])),
    "an event after the end": ("one_terminal_event", with_types(*TYPES, "progress")),
    "a fence without a run": ("fences_increase", replace(SOUND, runs=RUNS[:1])),
    "a fence twice": (
        "fences_increase",
        replace(SOUND, runs=(RUNS[0], replace(RUNS[1], fence=1))),
    ),
    "fences that fall": (
        "fences_increase",
        replace(SOUND, runs=(replace(RUNS[0], fence=2), replace(RUNS[1], fence=1))),
    ),
    "a start without a claim": ("fences_increase", with_types("started", *TYPES)),
    "runs that overlap": (
        "one_run_at_a_time",
        replace(SOUND, runs=(replace(RUNS[0], ended_at=START + timedelta(seconds=9)), RUNS[1])),
    ),
    "a run that never ended": (
        "one_run_at_a_time",
        replace(SOUND, runs=(RUNS[0], replace(RUNS[1], ended_at=None))),
    ),
    "too many attempts": ("attempts_within_limit", with_job(max_attempts=1)),
    "more attempts than claims": ("attempts_within_limit", with_job(attempts=3)),
    "a dead lease": ("running_under_a_lease", with_running(lease=False)),
    "a job left behind": (
        "nothing_waits_forever",
        replace(SOUND, jobs=(JOB, WAITING), events=(*EVENTS, WAITING_EVENT)),
    ),
    "a success without a result": ("results_of_successes", with_job(has_result=False)),
    "a result of a waiting job": (
        "results_of_successes",
        replace(
            SOUND,
            jobs=(JOB, replace(RUNNING, has_live_lease=True, has_result=True)),
            events=(*EVENTS, *RUNNING_EVENTS),
            runs=(*RUNS, RunRow("job_2", 1, START, None)),
        ),
    ),
    "a success without a model": (
        "models_of_successes",
        replace(SOUND, models=(ModelRow("mdl_1", "pending", "job_1"),)),
    ),
    "a model of no job": (
        "models_of_successes",
        replace(SOUND, models=(*SOUND.models, ModelRow("mdl_2", "ready", "job_9"))),
    ),
    "a missing file": ("blobs_are_intact", replace(SOUND, blobs={"a": BlobStatus.MISSING})),
    "a damaged file": ("blobs_are_intact", replace(SOUND, blobs={"a": BlobStatus.DAMAGED})),
    "a forgotten folder": ("no_orphan_folders", replace(SOUND, scratch=("job_1.2",))),
    "a forgotten process": ("no_orphan_processes", replace(SOUND, processes=("pid 7",))),
    "an API that is silent": ("every_service_works", replace(SOUND, silent_services=("REST",))),
    "a crash": ("no_crashes", replace(SOUND, crashes=("worker-0, status 1: Killed",))),
}


def test_a_sound_history_breaks_no_rule():
    assert violations(SOUND) == []
    assert violations(with_running(lease=True)) == []


@pytest.mark.parametrize(("rule", "history"), BROKEN.values(), ids=BROKEN)
def test_a_broken_history_shows_the_rule_that_it_breaks(rule: str, history: ZooHistory):
    assert {violation.rule for violation in violations(history)} == {rule}


def test_every_rule_is_broken_once():
    assert {rule for rule, _ in BROKEN.values()} == {rule.__name__ for rule in RULES}
