"""The rules of a zoo at rest: functions of rows alone, each of which lists what breaks it."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import pairwise

from service.core.tables import FINAL_STATES, JobState, ModelState

TERMINAL_EVENTS = frozenset(state.value for state in FINAL_STATES)


@dataclass(frozen=True)
class JobRow:
    """What the rules read of a job; ``events`` is the number of its events by its own count."""

    id: str
    state: str
    events: int
    attempts: int
    max_attempts: int
    fence: int
    has_live_lease: bool
    has_result: bool


@dataclass(frozen=True)
class EventRow:
    """An event of a job."""

    job_id: str
    seq: int
    type: str


@dataclass(frozen=True)
class RunRow:
    """One attempt; ``ended_at`` is None while it runs."""

    job_id: str
    fence: int
    started_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True)
class ModelRow:
    """A model and the job that makes it."""

    id: str
    state: str
    job_id: str


class BlobStatus(StrEnum):
    """What the store holds under a digest."""

    INTACT = "intact"
    MISSING = "missing"
    DAMAGED = "damaged"


@dataclass(frozen=True)
class ZooHistory:
    """Everything that a zoo at rest has left: rows, files and processes, and what does not work.

    Attributes:
        silent_services: The services that do not do their work.
        crashes: The components that ended although nothing had killed them.
    """

    jobs: Sequence[JobRow] = ()
    events: Sequence[EventRow] = ()
    runs: Sequence[RunRow] = ()
    models: Sequence[ModelRow] = ()
    blobs: Mapping[str, BlobStatus] = field(default_factory=dict)
    scratch: Sequence[str] = ()
    processes: Sequence[str] = ()
    silent_services: Sequence[str] = ()
    crashes: Sequence[str] = ()

    def events_of(self) -> dict[str, list[EventRow]]:
        """The events of each job in the order of their numbers."""
        by_job: defaultdict[str, list[EventRow]] = defaultdict(list)
        for event in sorted(self.events, key=lambda event: event.seq):
            by_job[event.job_id].append(event)
        return by_job

    def runs_of(self) -> dict[str, list[RunRow]]:
        """The runs of each job in the order of their starts."""
        by_job: defaultdict[str, list[RunRow]] = defaultdict(list)
        for run in sorted(self.runs, key=lambda run: run.started_at):
            by_job[run.job_id].append(run)
        return by_job


@dataclass(frozen=True)
class Violation:
    """A rule, the id of what breaks it, and how."""

    rule: str
    subject: str
    detail: str


Breaches = Iterator[tuple[str, str]]
"""The subject and the detail of each breach of a rule."""


def events_without_gaps(history: ZooHistory) -> Breaches:
    """The events of a job count from 1 to the number in its row."""
    events = history.events_of()
    for job in history.jobs:
        numbers = [event.seq for event in events.get(job.id, [])]
        if numbers != list(range(1, job.events + 1)):
            yield job.id, f"{job.events} events by its row, numbered {numbers}"


def one_terminal_event(history: ZooHistory) -> Breaches:
    """A final job has one terminal event, its last, which equals its state; others have none."""
    events = history.events_of()
    for job in history.jobs:
        types = [event.type for event in events.get(job.id, [])]
        terminal = [name for name in types if name in TERMINAL_EVENTS]
        expected = [job.state] if job.state in TERMINAL_EVENTS else []
        if terminal != expected or (expected and types[-1] != job.state):
            yield job.id, f"{job.state}, with the events {types}"


def fences_increase(history: ZooHistory) -> Breaches:
    """Each claim has the next fence, one run and one ``started`` event; the row has the last."""
    events, runs = history.events_of(), history.runs_of()
    for job in history.jobs:
        fences = [run.fence for run in runs.get(job.id, [])]
        starts = Counter(event.type for event in events.get(job.id, []))["started"]
        if fences != list(range(1, job.fence + 1)) or starts != job.fence:
            yield job.id, f"fence {job.fence}, {starts} starts, runs with the fences {fences}"


def one_run_at_a_time(history: ZooHistory) -> Breaches:
    """A run ends before the next one of its job starts, and none is open in a job at rest."""
    resting = {job.id for job in history.jobs if job.state != JobState.RUNNING}
    for job_id, runs in history.runs_of().items():
        for run, following in pairwise(runs):
            if run.ended_at is None or run.ended_at > following.started_at:
                yield job_id, f"run {run.fence} overlaps run {following.fence}"
        if job_id in resting and runs[-1].ended_at is None:
            yield job_id, f"run {runs[-1].fence} never ended"


def attempts_within_limit(history: ZooHistory) -> Breaches:
    """No job has more attempts than it may, nor more than claims."""
    for job in history.jobs:
        if not 0 <= job.attempts <= min(job.max_attempts, job.fence):
            yield job.id, f"{job.attempts} attempts of {job.max_attempts}, {job.fence} claims"


def running_under_a_lease(history: ZooHistory) -> Breaches:
    """A running job has a live lease."""
    for job in history.jobs:
        if job.state == JobState.RUNNING and not job.has_live_lease:
            yield job.id, "running without a live lease"


def nothing_waits_forever(history: ZooHistory) -> Breaches:
    """No job is queued in a zoo that has had time for all of them."""
    for job in history.jobs:
        if job.state == JobState.QUEUED:
            yield job.id, f"still queued after {job.attempts} attempts"


def results_of_successes(history: ZooHistory) -> Breaches:
    """A job has a result exactly if it succeeded."""
    for job in history.jobs:
        if job.has_result != (job.state == JobState.SUCCEEDED):
            yield job.id, f"{job.state}, {'with' if job.has_result else 'without'} a result"


def models_of_successes(history: ZooHistory) -> Breaches:
    """A model is ready exactly if its job succeeded."""
    states = {job.id: job.state for job in history.jobs}
    for model in history.models:
        state = states.get(model.job_id)
        if (model.state == ModelState.READY) != (state == JobState.SUCCEEDED):
            yield model.id, f"{model.state}, while its job {model.job_id} is {state}"


def blobs_are_intact(history: ZooHistory) -> Breaches:
    """Every file that a row names is stored and has its digest."""
    for digest, status in history.blobs.items():
        if status is not BlobStatus.INTACT:
            yield digest, status.value


def no_orphan_folders(history: ZooHistory) -> Breaches:
    """No attempt leaves a scratch folder."""
    for name in history.scratch:
        yield name, "a scratch folder without an attempt"


def no_orphan_processes(history: ZooHistory) -> Breaches:
    """No attempt and no killed component leaves a process."""
    for process in history.processes:
        yield process, "a process without an owner"


def every_service_works(history: ZooHistory) -> Breaches:
    """Both APIs answer, and every worker reads both queues."""
    for name in history.silent_services:
        yield name, "does not do its work"


def no_crashes(history: ZooHistory) -> Breaches:
    """No component ends unless something kills it."""
    for crash in history.crashes:
        name, _, end = crash.partition(", ")
        yield name, end


RULES: Sequence[Callable[[ZooHistory], Breaches]] = (
    events_without_gaps,
    one_terminal_event,
    fences_increase,
    one_run_at_a_time,
    attempts_within_limit,
    running_under_a_lease,
    nothing_waits_forever,
    results_of_successes,
    models_of_successes,
    blobs_are_intact,
    no_orphan_folders,
    no_orphan_processes,
    every_service_works,
    no_crashes,
)


def violations(history: ZooHistory) -> list[Violation]:
    """Every breach of every rule."""
    return [
        Violation(rule.__name__, subject, detail)
        for rule in RULES
        for subject, detail in rule(history)
    ]
