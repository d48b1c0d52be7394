"""Admits what is new: the transaction that adds rows checks the quotas that they count towards.

A lock per project lets one such transaction at a time count, so that concurrent requests cannot
pass a limit together. Without a limit there is neither lock nor count.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from service.core.errors import QuotaExcess, RateLimitedError, TooLargeError, ZooError
from service.core.operations.quotas.limits import DAY_SECONDS, Quota, limits_of
from service.core.operations.quotas.usage import ran_today, used
from service.core.tables import JobRunRecord

CODE = "quota_exceeded"
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:project, 21))")
_STEPS = 20

_WHAT = {
    Quota.BYTES: "bytes",
    Quota.MODELS: "models",
    Quota.DATASETS: "datasets",
    Quota.IMAGES: "images",
    Quota.QUEUED_JOBS: "queued jobs",
    Quota.RUNNING_JOBS: "running jobs",
    Quota.JOB_SECONDS: "seconds of jobs in 24 hours",
}
# Jobs end by themselves; what is stored stays until somebody deletes it.
_WAIT = "wait until jobs have ended, or ask an operator for a higher quota; see GET /v1/quotas"
_DELETE = (
    "delete what you no longer need, or ask an operator for a higher quota; see GET /v1/quotas"
)
_REMEDIES = {
    Quota.QUEUED_JOBS: _WAIT,
    Quota.RUNNING_JOBS: _WAIT,
    Quota.JOB_SECONDS: _WAIT,
}


@contextmanager
def within(session: Session, project: str, *quotas: Quota) -> Iterator[None]:
    """Add rows inside the block; afterwards the project is within its quotas, or this raises.

    Raises:
        TooLargeError: ``quota_exceeded``, for what is stored.
        RateLimitedError: ``quota_exceeded``, for jobs.
    """
    limits = limits_of(session, project)
    limited = {quota: limit for quota in quotas if (limit := limits[quota]) is not None}
    if not limited:
        yield
        return
    session.execute(_LOCK, {"project": project})
    before = {quota: used(session, project, quota) for quota in limited}
    yield
    session.flush()
    for quota, limit in limited.items():
        added = used(session, project, quota) - before[quota]
        if added > 0 and before[quota] + added > limit:
            raise exceeded(QuotaExcess(quota.value, limit, before[quota], added))


def require_room(session: Session, project: str, quota: Quota, *, wanted: int = 1) -> None:
    """Refuse early what cannot fit; ``within`` decides.

    Raises:
        TooLargeError: ``quota_exceeded``.
    """
    limit = limits_of(session, project)[quota]
    if limit is None:
        return
    taken = used(session, project, quota)
    if taken + wanted > limit:
        raise exceeded(QuotaExcess(quota.value, limit, taken, wanted))


def require_time(session: Session, project: str) -> None:
    """Refuse new jobs of a project that has used up its seconds of the last 24 hours.

    Raises:
        RateLimitedError: ``quota_exceeded``, with the seconds until some of them are over.
    """
    limit = limits_of(session, project)[Quota.JOB_SECONDS]
    if limit is None:
        return
    taken = used(session, project, Quota.JOB_SECONDS)
    if taken >= limit:
        excess = QuotaExcess(Quota.JOB_SECONDS.value, limit, taken, 1)
        raise exceeded(excess, retry_after_seconds=_seconds_until(session, project, limit))


def exceeded(excess: QuotaExcess, *, retry_after_seconds: float | None = None) -> ZooError:
    """The error for a quota that a request exceeds."""
    quota = Quota(excess.quota)
    details: dict[str, Any] = {
        "code": CODE,
        "remedy": _REMEDIES.get(quota, _DELETE),
        "quota": excess,
        "retry_after_seconds": retry_after_seconds,
    }
    kind = RateLimitedError if quota in _REMEDIES else TooLargeError
    return kind(
        f"the project may have {excess.limit} {_WHAT[quota]}, has {excess.used},"
        f" and the request needs {excess.requested} more",
        **details,
    )


def _seconds_until(session: Session, project: str, limit: int) -> float:
    """Seconds until less than ``limit`` of the runs so far lie within the last 24 hours."""
    age = text("extract(epoch FROM clock_timestamp() - started_at)")
    length = text("extract(epoch FROM coalesce(ended_at, clock_timestamp()) - started_at)")
    query = select(age, length).select_from(JobRunRecord)
    runs = [
        (float(row[0]), float(row[1]))
        for row in session.execute(query.where(JobRunRecord.project == project, ran_today()))
    ]
    least, most = 0.0, float(DAY_SECONDS)
    for _ in range(_STEPS):
        middle = (least + most) / 2
        if _seconds_left(runs, middle) < limit:
            most = middle
        else:
            least = middle
    return most


def _seconds_left(runs: list[tuple[float, float]], later: float) -> float:
    """The seconds of runs, as (age, length), that are within 24 hours ``later`` from now."""
    return sum(max(0.0, min(length, DAY_SECONDS - later - (age - length))) for age, length in runs)
