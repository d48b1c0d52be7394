"""Which projects may run another job now. Jobs of the others wait; they are not refused."""

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from service.core.operations.quotas.limits import Quota, defaults_of, limits_of
from service.core.operations.quotas.usage import ran_today, seconds_today, used
from service.core.tables import JobRecord, JobRunRecord, JobState, QuotaRecord

# Not the lock of admissions: a claim holds a job's row, which an admission may refer to.
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:project, 22))")


def waiting_projects(session: Session) -> set[str]:
    """Projects whose running jobs or whose seconds of the last 24 hours are used up."""
    full = set()
    if limits := _limits(session, Quota.RUNNING_JOBS):
        running = select(JobRecord.project, func.count()).where(
            JobRecord.state == JobState.RUNNING
        )
        full |= _above(session, limits, running.group_by(JobRecord.project))
    if limits := _limits(session, Quota.JOB_SECONDS):
        seconds = select(JobRunRecord.project, seconds_today()).where(ran_today())
        full |= _above(session, limits, seconds.group_by(JobRunRecord.project))
    return full


def may_run(session: Session, project: str) -> bool:
    """Whether the project may run one job more; other claims of the project wait for this one."""
    limit = limits_of(session, project)[Quota.RUNNING_JOBS]
    if limit is None:
        return True
    session.execute(_LOCK, {"project": project})
    return used(session, project, Quota.RUNNING_JOBS) < limit


def _limits(session: Session, quota: Quota) -> dict[str | None, int]:
    """The limits of one quota by project, under None the default; empty if nothing is limited."""
    column = getattr(QuotaRecord, quota)
    own = session.execute(select(QuotaRecord.project, column).where(column.is_not(None)))
    limits: dict[str | None, int] = {row.project: row[1] for row in own}
    default = defaults_of(session)[quota]
    return limits if default is None else {None: default, **limits}


def _above(session: Session, limits: dict[str | None, int], use: object) -> set[str]:
    """The projects that use up their limit."""
    rows = session.execute(use)  # type: ignore[call-overload]
    default = limits.get(None)
    full = {p for p, limit in limits.items() if p is not None and limit == 0}
    for project, amount in rows:
        limit = limits.get(project, default)
        if limit is not None and amount >= limit:
            full.add(project)
    return full
