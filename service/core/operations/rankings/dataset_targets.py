"""Rankings for a dataset without a reference network: participants, measurements, the record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from service.core.catalog import Audience, transferability_estimators
from service.core.ids import IdKind, new_id
from service.core.operations import dataset_labels, owned_rows
from service.core.operations.error_pointers import error_pointer
from service.core.operations.jobs import jobs
from service.core.operations.measurements import (
    estimates,
    lasting_failures,
    reference_networks,
)
from service.core.operations.rankings.participants import (
    candidates_of,
    require_any,
    require_probe_set,
    transferable,
)
from service.core.operations.rankings.schemas import RankingRequest
from service.core.tables import DatasetRecord, ModelRecord, RankingRecord, RankingState
from service.core.tracing import current_trace_id


@dataclass(frozen=True)
class DatasetParticipants:
    """The target dataset, the candidates, and the models that cannot be ranked."""

    target: DatasetRecord
    candidates: list[ModelRecord]
    unranked: list[dict[str, Any]]


def resolve_dataset_participants(
    session: Session, *, project: str, request: RankingRequest
) -> DatasetParticipants:
    """Look up everything that a request names, for a dataset as the target.

    Reference networks of the target are candidates only if the request names them.

    Raises:
        InvalidRequestError: A model or dataset does not exist.
        ConflictError: The target is not ready.
    """
    with error_pointer("/target/dataset_id"):
        target = owned_rows.get_ready(
            session, DatasetRecord, project=project, id=request.target.dataset_id or ""
        )
    candidates, unranked = candidates_of(session, project, request.candidates)
    candidates, obstructed = transferable(candidates)
    if request.candidates is None or request.candidates.model_ids is None:
        candidates = [
            model for model in candidates if not reference_networks.stands_for(model, target)
        ]
    require_any(candidates, [*unranked, *obstructed])
    return DatasetParticipants(target, candidates, [*unranked, *obstructed])


def measure_missing(session: Session, *, participants: DatasetParticipants) -> dict[str, str]:
    """Jobs for the candidates that have no estimate, by candidate; or the job that failed for good.

    Raises:
        InvalidRequestError: ``target_unlabeled`` or ``probe_set_too_large``.
    """
    with error_pointer("/target/dataset_id"):
        dataset_labels.require_labeled(require_probe_set(participants.target))
    estimated = estimates.stored(
        session,
        project=participants.target.project,
        comparable=estimates.comparable_key(participants.target),
        model_ids=[model.id for model in participants.candidates],
    )
    missing = [model for model in participants.candidates if model.id not in estimated]
    return _measure(session, missing, participants.target)


def _measure(
    session: Session, models: Sequence[ModelRecord], dataset: DatasetRecord
) -> dict[str, str]:
    """Ids of the jobs that will estimate the models, by model; equal active jobs are shared.

    A model whose estimate failed for a reason that stays gets the id of that job.
    """
    if not models:
        return {}
    comparable = estimates.comparable_key(dataset)
    keys = {model.id: estimates.cache_key(comparable, model) for model in models}
    failed = lasting_failures.remembered(
        session, project=dataset.project, keys=list(keys.values())
    )
    missing = [model for model in models if keys[model.id] not in failed]
    orders = [
        jobs.JobOrder(
            inputs={"model_id": model.id, "dataset_id": dataset.id}, cache_key=keys[model.id]
        )
        for model in missing
    ]
    ids = jobs.submit_many(
        session,
        project=dataset.project,
        method=transferability_estimators.SPEC.name,
        orders=orders,
        audience=Audience.INTERNAL,
        trace_id=current_trace_id(),
    )
    ordered = {model.id: job_id for model, job_id in zip(missing, ids, strict=True)}
    return ordered | {model_id: failed[key] for model_id, key in keys.items() if key in failed}


def create_pending(
    session: Session,
    *,
    participants: DatasetParticipants,
    request: RankingRequest,
    job_ids: Mapping[str, str],
    comparable: str,
) -> RankingRecord:
    """A pending ranking for a dataset; ``job_ids`` are the jobs that estimate models, by model."""
    record = RankingRecord(
        id=new_id(IdKind.RANKING),
        project=participants.target.project,
        state=RankingState.PENDING,
        metric=request.metric,
        edge_weight=request.weight,
        request=request.model_dump(mode="json"),
        target_dataset_id=participants.target.id,
        dataset_id=participants.target.id,
        comparable_key=comparable,
        candidates=[
            {"model_id": model.id, "job_id": job_ids.get(model.id)}
            for model in participants.candidates
        ],
        pairs=[],
        unranked=participants.unranked,
    )
    session.add(record)
    session.flush()
    return record
