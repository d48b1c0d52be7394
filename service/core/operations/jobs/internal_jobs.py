"""Internal jobs: those that operations submit for a record, never clients."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from sqlalchemy.orm import Session

from service.core.catalog import Audience
from service.core.operations.jobs.submission import submit
from service.core.tables import (
    ConceptSearchRecord,
    DatasetRecord,
    JobRecord,
    LayerSelectionRecord,
    ModelRecord,
    RankingRecord,
)
from service.core.tracing import current_trace_id

UPLOAD_PRIORITY = 10
RANKING_PRIORITY = 1


def submit_for(
    session: Session,
    record: ModelRecord
    | DatasetRecord
    | RankingRecord
    | LayerSelectionRecord
    | ConceptSearchRecord,
    *,
    method: str,
    inputs: Mapping[str, Any],
    params: Mapping[str, Any] = MappingProxyType({}),
    cache_key: str | None = None,
    depends_on: Sequence[str] = (),
    priority: int = 0,
) -> JobRecord:
    """The job that works for ``record``, which now names it; arguments are those of ``submit``."""
    job = submit(
        session,
        project=record.project,
        method=method,
        inputs=inputs,
        params=params,
        cache_key=cache_key,
        depends_on=depends_on,
        priority=priority,
        trace_id=current_trace_id(),
        audience=Audience.INTERNAL,
    )
    record.job_id = job.id
    session.flush()
    return job
