"""What workers and the scheduler do to jobs: claim, heartbeat, finish, reap.

Every change of a running job is guarded by its fence: a worker that lost its lease changes no
row and gets an error. All times are the database's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from sqlalchemy import CTE, ColumnElement, Select, and_, func, select, true, update
from sqlalchemy.orm import Session, aliased

from service.core.errors import FencedError
from service.core.machine_faults import WAITING_CODES
from service.core.operations.jobs.events import announce, append_event
from service.core.operations.jobs.jobs import ACTIVE_STATES, end
from service.core.operations.jobs.observer import observer_of
from service.core.operations.jobs.runs import begin_run, end_run
from service.core.operations.quotas.running import may_run, waiting_projects
from service.core.tables import JobDependencyRecord, JobEventRecord, JobRecord, JobState

FIRST_BACKOFF_SECONDS = 1.0
LARGEST_BACKOFF_SECONDS = 60.0
FIRST_WAIT_SECONDS = 5.0
LONGEST_WAIT_SECONDS = 300.0
WORKER_LOST = {
    "code": "worker_lost",
    "detail": "the worker stopped reporting while it ran the job",
    "remedy": "read the log of the worker; a job that has failed can be retried",
}


def time_limit_exceeded(seconds: float | None = None) -> dict[str, Any]:
    """The error of a job that ran longer than its limit, which the detail names if it is known."""
    limit = "its time limit" if seconds is None else f"its time limit of {seconds:.0f} s"
    return {
        "code": "time_limit_exceeded",
        "detail": f"the job exceeded {limit}",
        "remedy": "request less work per job or use a smaller network; an operator can raise "
        "ZOO_METHOD_TIMEOUTS for the method, and ZOO_JOB_TIMEOUT_SECONDS for all",
    }


class LeaseStatus(StrEnum):
    """The result of a heartbeat."""

    HELD = "go on"
    CANCEL = "cancel"
    FENCED = "fenced"


class AttemptStatus(StrEnum):
    """How an attempt ended.

    ``LOST`` attempts are repeated while attempts remain. ``RELEASED`` attempts, which a stopping
    worker returns, are repeated immediately and do not count. ``WAITING`` ones, which the machine
    failed, do not count either and are repeated after a pause that grows.
    """

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"
    RELEASED = "released"
    WAITING = "waiting"


@dataclass(frozen=True)
class Outcome:
    """A worker's report: the status, with a ``result`` or an ``error`` {code, detail, remedy}."""

    status: AttemptStatus
    result: dict[str, Any] | None = None
    error: dict[str, Any] | None = field(default=None)


def claim(
    session: Session,
    *,
    worker: str,
    queues: Sequence[str],
    lease_seconds: float,
    running_seconds: float,
    method_seconds: Mapping[str, float] = MappingProxyType({}),
    only: ColumnElement[bool] | None = None,
    job_id: str | None = None,
    missing_layers: Sequence[str] = (),
) -> JobRecord | None:
    """The job that ``worker`` now runs; None if it can claim none.

    Without ``job_id`` it is a job of the project that runs fewest; among these the oldest job of
    the highest priority. Its row has a new fence and one more attempt.

    Args:
        queues: The queues this worker serves.
        lease_seconds: Another worker gets the job after this long without a heartbeat.
        running_seconds: The attempt fails after this long.
        method_seconds: The same for single methods.
        only: Only jobs that fulfill this condition; None for all.
        missing_layers: Sandbox layers that the worker lacks; the event of the start names them.
    """
    query = claimable().where(JobRecord.queue.in_(queues))
    if only is not None:
        query = query.where(only)
    if job_id is not None:
        query = query.where(JobRecord.id == job_id)
    job = _best(session, query)
    if job is None:
        return None
    now = func.clock_timestamp()
    job.state = JobState.RUNNING
    job.fence += 1
    job.attempts += 1
    job.worker = worker
    job.lease_until = now + timedelta(seconds=lease_seconds)
    job.deadline_at = now + timedelta(seconds=method_seconds.get(job.method, running_seconds))
    job.started_at = func.coalesce(JobRecord.started_at, now)
    session.flush()
    begin_run(session, job)
    lacks = {"missing_sandbox_layers": list(missing_layers)} if missing_layers else {}
    append_event(session, job.id, type="started", data={"attempt": job.attempts, **lacks})
    observer_of(session).started(session, job)
    session.refresh(job)
    return job


def _best(session: Session, query: Select[JobRecord]) -> JobRecord | None:
    """The first job of the query, now locked, of a project whose quotas let it run one more."""
    waiting = waiting_projects(session)
    while True:
        # Undone for a project that may not run another: two claims must not hold each other's locks.
        with session.begin_nested() as attempt:
            fairest = _fairest(query.where(JobRecord.project.not_in(waiting)))
            fresh = fairest.execution_options(populate_existing=True)
            job = session.scalars(fresh).one_or_none()
            if job is None or may_run(session, job.project):
                return job
            waiting.add(job.project)
            attempt.rollback()


def _fairest(query: Select[JobRecord]) -> Select[JobRecord]:
    """The first of the jobs, locked: of the project that runs fewest, then by priority and age.

    Projects are put in order first, each by an index; then the first job that no other worker is
    claiming is locked, and no other row.
    """
    projects = _waiting_projects()
    counts = (
        select(JobRecord.project, func.count().label("jobs"))
        .where(JobRecord.state == JobState.RUNNING)
        .group_by(JobRecord.project)
        .subquery()
    )
    first = _first_of(query, projects.c.project).lateral()
    ranked = (
        select(projects.c.project)
        .join(first, true())
        .outerjoin(counts, counts.c.project == projects.c.project)
        .order_by(func.coalesce(counts.c.jobs, 0), first.c.priority.desc(), first.c.id)
        .subquery()
    )
    chosen = _first_of(query, ranked.c.project).with_for_update(skip_locked=True).lateral()
    job = aliased(JobRecord, chosen)
    return select(job).select_from(ranked).join(chosen, true()).limit(1)


def _waiting_projects() -> CTE:
    """The projects with queued jobs, each found by one step in an index; the last row is null."""
    least = select(func.min(JobRecord.project)).where(JobRecord.state == JobState.QUEUED)
    projects = least.with_only_columns(func.min(JobRecord.project).label("project")).cte(
        recursive=True
    )
    following = least.where(JobRecord.project > projects.c.project).scalar_subquery()
    return projects.union_all(select(following).where(projects.c.project.is_not(None)))


def _first_of(query: Select[JobRecord], project: ColumnElement[str]) -> Select[JobRecord]:
    """The first of a project's jobs, by priority and age."""
    of_project = query.where(JobRecord.project == project)
    return of_project.order_by(JobRecord.priority.desc(), JobRecord.id).limit(1)


def claimable() -> Select[JobRecord]:
    """Queued jobs that are available and whose dependencies have all finished."""
    dependency = aliased(JobRecord)
    waits = (
        select(JobDependencyRecord.job_id)
        .join(dependency, dependency.id == JobDependencyRecord.depends_on)
        .where(
            JobDependencyRecord.job_id == JobRecord.id,
            dependency.state.in_(ACTIVE_STATES),
        )
        .correlate(JobRecord)
        .exists()
    )
    return select(JobRecord).where(
        JobRecord.state == JobState.QUEUED,
        JobRecord.available_at <= func.clock_timestamp(),
        ~waits,
    )


def _held(job_id: str, fence: int) -> ColumnElement[bool]:
    """The condition that a worker still holds its job."""
    return and_(
        JobRecord.id == job_id, JobRecord.fence == fence, JobRecord.state == JobState.RUNNING
    )


def lease_status(session: Session, *, job_id: str, fence: int) -> LeaseStatus:
    """Whether the holder of ``fence`` should continue; the lease does not change."""
    row = session.execute(
        select(JobRecord.cancel_requested_at).where(_held(job_id, fence))
    ).one_or_none()
    return _status_of(row)


def heartbeat(
    session: Session,
    *,
    job_id: str,
    fence: int,
    lease_seconds: float,
    progress: dict[str, Any] | None = None,
) -> LeaseStatus:
    """Renew the lease, store new progress, and return the status like ``lease_status``."""
    values: dict[str, Any] = {
        "lease_until": func.clock_timestamp() + timedelta(seconds=lease_seconds)
    }
    if progress is not None:
        values["progress"] = progress
    renewed = update(JobRecord).where(_held(job_id, fence)).values(**values)
    row = session.execute(
        renewed.returning(JobRecord.cancel_requested_at).execution_options(
            synchronize_session=False
        )
    ).one_or_none()
    if row is not None and progress is not None:
        append_event(session, job_id, type="progress", data=progress)
    return _status_of(row)


def _status_of(row: Any) -> LeaseStatus:
    """Fenced without a row, cancelled if the row has a time."""
    if row is None:
        return LeaseStatus.FENCED
    return LeaseStatus.HELD if row[0] is None else LeaseStatus.CANCEL


def set_checkpoint(session: Session, *, job_id: str, fence: int, sha256: str) -> None:
    """Set the job's latest checkpoint. Raises FencedError if the worker lost the job."""
    hold(session, job_id=job_id, fence=fence).checkpoint_sha256 = sha256
    session.flush()


def finish(session: Session, *, job_id: str, fence: int, outcome: Outcome) -> JobRecord:
    """The job after an attempt: final, or queued again if the attempt was lost or released.

    Call it in the transaction that writes the results, so that both happen or neither does.

    Raises:
        FencedError: Another worker holds the job, or it is final; nothing changed.
    """
    job = hold(session, job_id=job_id, fence=fence)
    cancelling = job.cancel_requested_at is not None
    match outcome.status:
        case AttemptStatus.SUCCEEDED:
            job.result = outcome.result or {}
            job.progress = _completed(job.progress)
            end(session, job, JobState.SUCCEEDED)
        case AttemptStatus.CANCELLED:
            end(session, job, JobState.CANCELLED)
        case AttemptStatus.LOST | AttemptStatus.RELEASED | AttemptStatus.WAITING if cancelling:
            end(session, job, JobState.CANCELLED)
        case AttemptStatus.RELEASED:
            job.attempts -= 1
            requeue(session, job, {"code": "worker_stopping"}, delay_seconds=0.0)
        case AttemptStatus.WAITING:
            job.attempts -= 1
            pause = waiting_seconds(_machine_failures(session, job_id))
            requeue(session, job, outcome.error or {}, delay_seconds=pause)
        case AttemptStatus.LOST if job.attempts < job.max_attempts:
            requeue(session, job, outcome.error or {}, delay_seconds=backoff_seconds(job.attempts))
        case _:
            end(session, job, JobState.FAILED, error=outcome.error)
    session.refresh(job)
    return job


def _completed(progress: dict[str, Any]) -> dict[str, Any]:
    """The last report with its step at the total, since later reports may be missing."""
    return {**progress, "step": progress["total"]} if progress.get("total") else progress


def hold(session: Session, *, job_id: str, fence: int) -> JobRecord:
    """The running job, locked. Raises FencedError if ``fence`` is not the current one."""
    held = select(JobRecord).where(_held(job_id, fence)).with_for_update()
    job = session.scalars(held.execution_options(populate_existing=True)).one_or_none()
    if job is None:
        raise FencedError(f"fence {fence} no longer holds the job {job_id}")
    return job


def backoff_seconds(attempts: int) -> float:
    """Seconds before the next attempt, doubling from one second."""
    return float(min(LARGEST_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * 2 ** (attempts - 1)))


def waiting_seconds(failures: int) -> float:
    """Seconds before the next attempt after so many earlier failures of the machine."""
    return float(min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** min(failures, 16)))


def _machine_failures(session: Session, job_id: str) -> int:
    """How often the machine has failed this job."""
    code = JobEventRecord.data[("reason", "code")].astext
    query = select(func.count()).where(
        JobEventRecord.job_id == job_id,
        JobEventRecord.type == "requeued",
        code.in_(WAITING_CODES),
    )
    return session.scalar(query) or 0


def requeue(
    session: Session, job: JobRecord, reason: dict[str, Any], *, delay_seconds: float
) -> None:
    """Queue a running job again; its fence stays, so the old worker is locked out."""
    end_run(session, job.id)
    job.state = JobState.QUEUED
    job.worker = None
    job.lease_until = None
    job.deadline_at = None
    job.announced_at = None
    job.available_at = func.clock_timestamp() + timedelta(seconds=delay_seconds)
    session.flush()
    append_event(session, job.id, type="requeued", data={"reason": reason})
    announce(session, job.id)
