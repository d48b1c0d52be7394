"""Scores of estimators become a row, and complete the rankings that waited only for them."""

from typing import Any

from sqlalchemy.orm import Session

from service.core.catalog.transferability_estimators import TransferabilityEstimatorsParams
from service.core.operations.measurements import estimates
from service.core.operations.rankings import estimator_completion
from service.core.results.measurements import EstimatedTransferability
from service.core.tables import DatasetRecord, JobRecord, ModelRecord
from workers.worker.outputs import JobOutput
from workers.worker.record.rows import existing_row


def record_estimate(
    session: Session, job: JobRecord, output: JobOutput[EstimatedTransferability]
) -> dict[str, Any]:
    """Store the scores, and complete the rankings for which they were the last."""
    scores = output.result.model_dump(mode="json")
    model = existing_row(session, job, ModelRecord, job.inputs["model_id"])
    dataset = existing_row(session, job, DatasetRecord, job.inputs["dataset_id"])
    estimate = estimates.keep(
        session,
        model=model,
        dataset=dataset,
        params=TransferabilityEstimatorsParams.model_validate(job.params),
        output=scores,
        job_id=job.id,
    )
    estimator_completion.complete_rankings(session, job=job)
    return {"estimate_id": estimate.id, **scores}
