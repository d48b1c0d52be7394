"""Rows of the job's project as recording needs them: still present."""

from typing import TypeVar

from sqlalchemy.orm import Session

from service.core.errors import NotFoundError
from service.core.operations import owned_rows
from service.core.tables import JobRecord
from service.core.tables.base import Owned

Row = TypeVar("Row", bound=Owned)


def existing_row(session: Session, job: JobRecord, kind: type[Row], row_id: str) -> Row:
    """A row of the job's project by id. Raises NotFoundError: ``input_deleted``."""
    return _required(owned_rows.find(session, kind, project=job.project, id=row_id), row_id)


def locked_row(session: Session, job: JobRecord, kind: type[Row], row_id: str) -> Row:
    """The same, locked until the transaction ends."""
    return _required(owned_rows.find_locked(session, kind, project=job.project, id=row_id), row_id)


def _required(row: Row | None, row_id: str) -> Row:
    if row is None:
        raise NotFoundError(f"{row_id} was removed meanwhile", code="input_deleted")
    return row
