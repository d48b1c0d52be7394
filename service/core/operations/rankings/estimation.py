"""How long a ranking would take, before it is created.

The ranking is created in a transaction that is rolled back, so that its jobs are exactly those that
a request would submit, and none of them is ever seen by a worker.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from statistics import median
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Select, Text, any_, cast, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from service.core.catalog import depara, transferability_estimators
from service.core.catalog.measurement import Nodes
from service.core.operations.rankings import rankings
from service.core.operations.rankings.schemas import RankingRequest
from service.core.tables import (
    FINAL_STATES,
    DatasetRecord,
    JobDependencyRecord,
    JobRecord,
    JobState,
    ModelRecord,
    RankingRecord,
)

_MOST_EARLIER = 50
# Forward passes that one image costs: a gradient pass takes about twice as long as its forward pass.
_PASSES: Mapping[str, float] = {depara.SPEC.name: 3.0, transferability_estimators.SPEC.name: 1.0}
# Graphs whose nodes are relations between probes need no gradient.
_WITHOUT_GRADIENT = 1.0


class Basis(StrEnum):
    """What the seconds of a step follow from."""

    EARLIER_JOBS = "earlier_jobs"
    MACHINE_SPEED = "machine_speed"


@dataclass(frozen=True)
class RankingStep:
    """Jobs of one method; ``seconds`` of all of them, one after another, None if unknown."""

    method: str
    jobs: int
    seconds: float | None
    basis: Basis | None


@dataclass(frozen=True)
class RankingEstimate:
    """How long a ranking would take.

    Attributes:
        seconds: Until it is ready if no other job is in the way; steps of unknown length count as
            nothing. None if all are unknown.
        concurrency: Jobs that run at the same time.
        other_jobs: Unfinished jobs of the project that come first or run beside.
    """

    seconds: float | None
    steps: tuple[RankingStep, ...]
    concurrency: int
    other_jobs: int
    candidates: int


@dataclass(frozen=True)
class _Run:
    """A job: its passes over an image, its operations if known, and its seconds if it has ended.

    ``operations`` are those of all passes over all images.
    """

    passes: float
    operations: float | None
    seconds: float = 0.0


def estimate(
    session: Session,
    *,
    project: str,
    request: RankingRequest,
    flops_per_second: float | None,
    concurrency: int,
) -> RankingEstimate:
    """The time of a ranking. Nothing is started or stored.

    Args:
        flops_per_second: Measured speed of the machine; None if it is unknown.

    Raises:
        ZooError: What creating the ranking would raise.
    """
    attempt = session.begin_nested()
    try:
        ranking = rankings.create(session, project=project, request=request)
        jobs = _jobs_of(session, ranking)
        steps = tuple(
            _step(method, runs, _earlier(session, project, method), flops_per_second)
            for method, runs in _runs_by_method(session, project, jobs).items()
        )
        candidates = len(ranking.candidates)
    finally:
        attempt.rollback()
    seconds = [
        step.seconds / min(concurrency, step.jobs) for step in steps if step.seconds is not None
    ]
    others = _unfinished(session, project, except_for=jobs)
    return RankingEstimate(
        sum(seconds) if seconds or not steps else None, steps, concurrency, others, candidates
    )


def _jobs_of(session: Session, ranking: RankingRecord) -> set[str]:
    """The unfinished jobs on which a ranking depends, its own among them."""
    reached: set[str] = set()
    named = [ranking.job_id, *(candidate["job_id"] for candidate in ranking.candidates)]
    fresh: set[str] = {job_id for job_id in named if job_id is not None}
    while fresh:
        reached |= fresh
        query = select(JobDependencyRecord.depends_on).where(
            _among(JobDependencyRecord.job_id, fresh)
        )
        fresh = set(session.scalars(query)) - reached
    unfinished = select(JobRecord.id).where(
        JobRecord.project == ranking.project,
        _among(JobRecord.id, reached),
        JobRecord.state.not_in(FINAL_STATES),
    )
    return set(session.scalars(unfinished))


def _runs_by_method(
    session: Session, project: str, jobs: Collection[str]
) -> dict[str, list[_Run]]:
    """The jobs by method, in the order of their submission."""
    query = _with_sizes().where(JobRecord.project == project, _among(JobRecord.id, jobs))
    by_method: dict[str, list[_Run]] = defaultdict(list)
    for row in session.execute(query.order_by(JobRecord.id)):
        by_method[row.method].append(_run_of(row))
    return dict(by_method)


def _step(
    method: str, runs: Sequence[_Run], earlier: Sequence[_Run], flops_per_second: float | None
) -> RankingStep:
    """The time of the jobs of one method, from earlier ones or else from the machine's speed."""
    if earlier:
        seconds = sum(_predicted(run, earlier) for run in runs)
        return RankingStep(method, len(runs), seconds, Basis.EARLIER_JOBS)
    operations = [run.operations for run in runs if run.operations is not None]
    if flops_per_second is None or method not in _PASSES or len(operations) < len(runs):
        return RankingStep(method, len(runs), None, None)
    seconds = sum(operations) / flops_per_second
    return RankingStep(method, len(runs), seconds, Basis.MACHINE_SPEED)


def _earlier(session: Session, project: str, method: str) -> list[_Run]:
    """The latest jobs of the method that succeeded."""
    seconds = func.extract("epoch", JobRecord.finished_at - JobRecord.started_at)
    query = (
        _with_sizes()
        .add_columns(seconds.label("seconds"))
        .where(
            JobRecord.project == project,
            JobRecord.method == method,
            JobRecord.state == JobState.SUCCEEDED,
            JobRecord.started_at.is_not(None),
        )
    )
    rows = session.execute(query.order_by(JobRecord.id.desc()).limit(_MOST_EARLIER))
    return [replace(_run_of(row), seconds=float(row.seconds)) for row in rows]


def _predicted(run: _Run, earlier: Sequence[_Run]) -> float:
    """Seconds in proportion to the operations, at least those of the shortest earlier job.

    A forward pass counts a third of a pass with its gradient, in the shortest job too.
    """
    rates = [past.seconds / past.operations for past in earlier if past.operations]
    if run.operations is None or not rates:
        return run.passes * median(past.seconds / past.passes for past in earlier)
    shortest = run.passes * min(past.seconds / past.passes for past in earlier)
    return max(shortest, median(rates) * run.operations)


def _with_sizes() -> Select[str, str | None, int | None, int | None]:
    """The query for jobs with the nodes they measure, their network's operations and their images."""
    model_id, dataset_id = (JobRecord.inputs[name].astext for name in ("model_id", "dataset_id"))
    return (
        select(
            JobRecord.method,
            JobRecord.params["nodes"].astext.label("nodes"),
            ModelRecord.flops,
            DatasetRecord.images,
        )
        .outerjoin(
            ModelRecord, (ModelRecord.id == model_id) & (ModelRecord.project == JobRecord.project)
        )
        .outerjoin(
            DatasetRecord,
            (DatasetRecord.id == dataset_id) & (DatasetRecord.project == JobRecord.project),
        )
    )


def _run_of(row: Any) -> _Run:
    """The run of a row of ``_with_sizes``."""
    passes = _PASSES.get(row.method, 1.0)
    if row.method == depara.SPEC.name and row.nodes not in (None, Nodes.MAPS):
        passes = _WITHOUT_GRADIENT
    if row.flops is None or row.images is None:
        return _Run(passes, None)
    return _Run(passes, passes * float(row.flops) * row.images)


def _unfinished(session: Session, project: str, *, except_for: Collection[str]) -> int:
    query = select(JobRecord.id).where(
        JobRecord.project == project, JobRecord.state.not_in(FINAL_STATES)
    )
    return len(set(session.scalars(query)) - set(except_for))


def _among(column: InstrumentedAttribute[str], ids: Collection[str]) -> ColumnElement[bool]:
    """Whether the column is one of the ids; one parameter, however many there are."""
    return column == any_(cast(list(ids), ARRAY(Text)))
