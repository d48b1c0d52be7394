"""Scores of estimators become a row, and fill the rankings that waited for them alone."""

from typing import Any

from sqlalchemy.orm import Session

from service.core.catalogue.transferability_estimators import TransferabilityEstimatorsParams
from service.core.errors import NotFoundError
from service.core.operations import estimates, estimator_filling
from service.core.records import DatasetRecord, JobRecord, ModelRecord
from workers.adoption import Harvest


def record_estimate(session: Session, job: JobRecord, harvest: Harvest) -> dict[str, Any]:
    """Keep the scores, and fill the rankings for which they were the last."""
    model = session.get(ModelRecord, job.inputs["model_id"])
    dataset = session.get(DatasetRecord, job.inputs["dataset_id"])
    if model is None or dataset is None:
        raise NotFoundError("the model or the dataset was removed meanwhile", code="input_gone")
    estimate = estimates.keep(
        session,
        model=model,
        dataset=dataset,
        params=TransferabilityEstimatorsParams.model_validate(job.params),
        found=harvest.data,
        job_id=job.id,
    )
    estimator_filling.settle(session, job_id=job.id)
    return {"estimate_id": estimate.id, **harvest.data}
