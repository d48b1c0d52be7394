"""What rankings have in common whose target is a dataset that no network stands for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from service.core.catalogue import transferability_estimators
from service.core.ids import IdKind, new_id
from service.core.operations import datasets, estimates, jobs, references
from service.core.operations.ranking_requests import (
    RankingRequest,
    candidates_of,
    naming,
    require_probe_set,
)
from service.core.records import DatasetRecord, ModelRecord, RankingRecord, RankingState
from service.core.tracing import current_trace_id


@dataclass(frozen=True)
class DatasetCast:
    """Who takes part where the target is a dataset that no network stands for."""

    target: DatasetRecord
    candidates: list[ModelRecord]
    unranked: list[dict[str, Any]]


def dataset_cast_of(session: Session, *, project: str, request: RankingRequest) -> DatasetCast:
    """Find everybody whom a request names, whose target is a dataset.

    Networks that were trained to stand for the target are no candidates unless they are named.

    Raises:
        InvalidRequestError: Somebody does not exist.
        ConflictError: The target is not ready.
    """
    with naming("/target/dataset_id"):
        target = datasets.get_ready(
            session, project=project, dataset_id=request.target.dataset_id or ""
        )
    candidates, unranked = candidates_of(session, project, request.candidates)
    if request.candidates is None or request.candidates.model_ids is None:
        candidates = [one for one in candidates if not references.stands_for(one, target)]
    return DatasetCast(target, candidates, unranked)


def measure_missing(session: Session, *, cast: DatasetCast) -> dict[str, str]:
    """Jobs that will judge the candidates that were not judged before, by candidate.

    Raises:
        InvalidRequestError: ``target_unlabelled`` or ``probe_set_too_large``.
    """
    with naming("/target/dataset_id"):
        datasets.require_labelled(require_probe_set(cast.target))
    known = estimates.known(
        session,
        project=cast.target.project,
        comparable=estimates.comparable_key(cast.target),
        model_ids=[model.id for model in cast.candidates],
    )
    missing = [model for model in cast.candidates if model.id not in known]
    return _measure(session, missing, cast.target)


def _measure(
    session: Session, models: Sequence[ModelRecord], dataset: DatasetRecord
) -> dict[str, str]:
    """Ids of the jobs that will judge the models; equal ones under way are shared."""
    if not models:
        return {}
    comparable = estimates.comparable_key(dataset)
    orders = [
        jobs.JobOrder(
            inputs={"model_id": model.id, "dataset_id": dataset.id},
            cache_key=estimates.cache_key(comparable, model),
        )
        for model in models
    ]
    ids = jobs.submit_many(
        session,
        project=dataset.project,
        method=transferability_estimators.CARD.name,
        orders=orders,
        trace_id=current_trace_id(),
    )
    return {model.id: job_id for model, job_id in zip(models, ids, strict=True)}


def begun(
    session: Session,
    *,
    cast: DatasetCast,
    request: RankingRequest,
    job_ids: Mapping[str, str],
    comparable: str,
) -> RankingRecord:
    """A pending ranking for a dataset; ``job_ids`` tells whose measurement is awaited."""
    record = RankingRecord(
        id=new_id(IdKind.RANKING),
        project=cast.target.project,
        state=RankingState.PENDING,
        metric=request.metric,
        edge_weight=request.weight,
        request=request.model_dump(mode="json"),
        target_dataset_id=cast.target.id,
        dataset_id=cast.target.id,
        comparable_key=comparable,
        candidates=[
            {"model_id": model.id, "job_id": job_ids.get(model.id)} for model in cast.candidates
        ],
        pairs=[],
        unranked=cast.unranked,
    )
    session.add(record)
    session.flush()
    return record
