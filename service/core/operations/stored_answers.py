"""Answers that are computed once for equal requests: found again, listed, watched."""

from typing import Any, TypeVar

from sqlalchemy import select, text
from sqlalchemy.orm import InstrumentedAttribute, Session, defer

from service.core.operations import owned_rows
from service.core.paging import Page, page_of
from service.core.tables import (
    FINAL_STATES,
    ConceptSearchRecord,
    ConceptSearchState,
    JobRecord,
    LayerSelectionRecord,
    LayerSelectionState,
)

Answer = TypeVar("Answer", ConceptSearchRecord, LayerSelectionRecord)
_PENDING = frozenset({ConceptSearchState.PENDING, LayerSelectionState.PENDING})
_FAILED = frozenset({ConceptSearchState.FAILED, LayerSelectionState.FAILED})
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 25))")


def of_equal_request(
    session: Session, kind: type[Answer], *, project: str, key: str
) -> Answer | None:
    """The newest answer with this key that did not fail; equal requests wait for each other."""
    session.execute(_LOCK, {"name": f"{project}\n{kind.__tablename__}\n{key}"})
    query = select(kind).where(
        kind.project == project, kind.cache_key == key, kind.state.not_in(_FAILED)
    )
    return session.scalars(query.order_by(kind.id.desc()).limit(1)).first()


def page(
    session: Session,
    kind: type[Answer],
    *,
    large: InstrumentedAttribute[Any],
    project: str,
    state: str | None,
    after: str | None,
    limit: int,
) -> Page[Answer]:
    """Answers of the project, newest first, without their ``large`` column."""
    query = select(kind).where(kind.project == project).options(defer(large))
    if state is not None:
        query = query.where(kind.state == state)
    if after is not None:
        query = query.where(kind.id < after)
    rows = session.scalars(query.order_by(kind.id.desc()).limit(limit + 1)).all()
    return page_of(list(rows), limit=limit)


def progress(session: Session, answer: Answer) -> dict[str, Any] | None:
    """Progress of the job of a pending answer; None if there is nothing to wait for."""
    if answer.state not in _PENDING or answer.job_id is None:
        return None
    job = owned_rows.find(session, JobRecord, project=answer.project, id=answer.job_id)
    if job is None or job.state in FINAL_STATES:
        return None
    return {"step": 0, "total": 1, "message": "waiting"} | (job.progress or {})
