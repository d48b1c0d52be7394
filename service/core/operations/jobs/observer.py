"""The event that jobs expose: an observer in the session learns of every change that matters."""

from typing import Any, Protocol, cast

from sqlalchemy.orm import Session

from service.core.tables import JobRecord

JOB_OBSERVER = "job_observer"
"""The key in ``session.info`` under which the composition root puts the observer."""


class JobObserver(Protocol):
    """Follows jobs inside the transaction that changes them."""

    def started(self, session: Session, job: JobRecord) -> None:
        """A worker has claimed the job."""
        ...

    def failed(self, session: Session, job: JobRecord, error: dict[str, Any]) -> None:
        """The job is final without success: it failed with ``error``, or was cancelled."""
        ...

    def retried(self, session: Session, job: JobRecord) -> None:
        """A failed or cancelled job is queued again."""
        ...


def observer_of(session: Session) -> JobObserver:
    """The observer of this session's jobs."""
    return cast(JobObserver, session.info[JOB_OBSERVER])
