"""Responses become a row; the units that a search found become its answer or begin its check."""

from typing import Any

from sqlalchemy.orm import Session

from service.core.operations.concepts import responses, searches
from service.core.results.concepts import RESPONSES_FILE, FoundUnits, MeasuredResponses
from service.core.tables import ConceptSearchRecord, DatasetRecord, JobRecord, ModelRecord
from workers.worker.outputs import JobOutput
from workers.worker.record.rows import existing_row, locked_row


def record_responses(
    session: Session, job: JobRecord, output: JobOutput[MeasuredResponses]
) -> dict[str, Any]:
    """Store the responses once per cache key: equal ones that came first stay."""
    record = responses.keep(
        session,
        model=existing_row(session, job, ModelRecord, job.inputs["model_id"]),
        dataset=existing_row(session, job, DatasetRecord, job.inputs["dataset_id"]),
        result=output.result,
        sha256=output.files[RESPONSES_FILE].sha256,
        job_id=job.id,
    )
    return {"unit_responses_id": record.id, **output.result.model_dump(mode="json")}


def record_found_units(
    session: Session, job: JobRecord, output: JobOutput[FoundUnits]
) -> dict[str, Any]:
    """The search is ready, or its best networks run next."""
    search = locked_row(session, job, ConceptSearchRecord, job.inputs["search_id"])
    searches.advance(session, search, output.result)
    return {
        "concept_search_id": search.id,
        "state": search.state,
        "next_job_id": None if search.job_id == job.id else search.job_id,
        **output.result.model_dump(mode="json", exclude={"units", "unchecked"}),
    }
