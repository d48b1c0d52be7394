"""Scores of estimators become a row, and fill the rankings that waited for them alone."""

from typing import Any

from sqlalchemy.orm import Session

from service.core.catalog.transferability_estimators import TransferabilityEstimatorsParams
from service.core.errors import NotFoundError
from service.core.operations.measurements import estimates
from service.core.operations.rankings import estimator_completion
from service.core.tables import DatasetRecord, JobRecord, ModelRecord
from workers.worker.outputs import JobOutput


def record_estimate(session: Session, job: JobRecord, output: JobOutput) -> dict[str, Any]:
    """Keep the scores, and fill the rankings for which they were the last."""
    model = session.get(ModelRecord, job.inputs["model_id"])
    dataset = session.get(DatasetRecord, job.inputs["dataset_id"])
    if model is None or dataset is None:
        raise NotFoundError("the model or the dataset was removed meanwhile", code="input_deleted")
    estimate = estimates.keep(
        session,
        model=model,
        dataset=dataset,
        params=TransferabilityEstimatorsParams.model_validate(job.params),
        found=output.data,
        job_id=job.id,
    )
    estimator_completion.settle(session, job_id=job.id)
    return {"estimate_id": estimate.id, **output.data}
