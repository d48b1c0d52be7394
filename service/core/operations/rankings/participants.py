"""Look-ups: the rows that a ranking's request names."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from service.core.errors import FieldProblem, InvalidRequestError
from service.core.operations import owned_rows
from service.core.operations.error_pointers import error_pointer
from service.core.operations.measurements import reference_networks
from service.core.operations.rankings.schemas import (
    CandidateFilter,
    Candidates,
    RankingRequest,
    RankingTarget,
)
from service.core.operations.zoo import models
from service.core.operations.zoo.models import ModelFilter
from service.core.tables import DatasetRecord, ModelRecord, ModelState


@dataclass(frozen=True)
class RankingParticipants:
    """The target, the probe set, the candidates, and the models that cannot be ranked."""

    target: ModelRecord
    probes: DatasetRecord
    candidates: list[ModelRecord]
    unranked: list[dict[str, Any]] = field(default_factory=list)


def resolve_participants(
    session: Session, *, project: str, request: RankingRequest
) -> RankingParticipants:
    """Look up everything that a request names, for a metric that compares networks.

    Raises:
        InvalidRequestError: A model or dataset does not exist, or the probe set is too large.
        ConflictError: The target or the probe set is not ready.
    """
    probes = probes_of(
        session, project=project, probe_set_id=request.probe_set_id, target=request.target
    )
    target = target_of(session, project=project, target=request.target)
    candidates, unranked = candidates_of(session, project, request.candidates)
    others = [model for model in candidates if model.id != target.id]
    return RankingParticipants(target, probes, others, unranked)


def probes_of(
    session: Session, *, project: str, probe_set_id: str | None, target: RankingTarget
) -> DatasetRecord:
    """The named probe set, or else the target's own images."""
    with error_pointer("/probe_set_id"):
        probes = owned_rows.get_ready(
            session, DatasetRecord, project=project, id=probe_set_id or target.dataset_id or ""
        )
    return require_probe_set(probes)


def require_probe_set(dataset: DatasetRecord) -> DatasetRecord:
    """The dataset, if it is small enough to be a probe set.

    Raises:
        InvalidRequestError: ``probe_set_too_large``.
    """
    if dataset.canonical_sha256 is None:
        raise InvalidRequestError(
            f"{dataset.id} has {dataset.images} images, too many for a probe set",
            code="probe_set_too_large",
            remedy="upload a sample of it as its own dataset",
            errors=[FieldProblem("/probe_set_id", "too many images")],
        )
    return dataset


def target_of(session: Session, *, project: str, target: RankingTarget) -> ModelRecord:
    """The named network, or the reference network of the named dataset."""
    if target.model_id is not None:
        with error_pointer("/target/model_id"):
            return owned_rows.get_ready(session, ModelRecord, project=project, id=target.model_id)
    with error_pointer("/target/dataset_id"):
        dataset = owned_rows.get_ready(
            session, DatasetRecord, project=project, id=target.dataset_id or ""
        )
    return reference_networks.network_for(session, dataset=require_probe_set(dataset))


def candidates_of(
    session: Session, project: str, requested: Candidates | None
) -> tuple[list[ModelRecord], list[dict[str, Any]]]:
    """The candidates, and the named models that are not ready, with the reason.

    Raises:
        InvalidRequestError: ``unknown_model``, with a pointer to each.
    """
    if requested is None or requested.model_ids is None:
        fields = (requested.filter if requested else None) or CandidateFilter()
        where = ModelFilter(ModelState.READY, fields.task, fields.tag, fields.name)
        query = models.matching(project, where).order_by(ModelRecord.id)
        return list(session.scalars(query)), []
    return _named(session, project, requested.model_ids)


def _named(
    session: Session, project: str, ids: tuple[str, ...]
) -> tuple[list[ModelRecord], list[dict[str, Any]]]:
    """The ready models with these ids, and the others with the reason."""
    query = models.matching(project, ModelFilter()).where(ModelRecord.id.in_(ids))
    by_id = {model.id: model for model in session.scalars(query)}
    missing = [
        FieldProblem(f"/candidates/model_ids/{index}", f"there is no model {model_id}")
        for index, model_id in enumerate(ids)
        if model_id not in by_id
    ]
    if missing:
        raise InvalidRequestError(
            missing[0].reason,
            code="unknown_model",
            remedy="see GET /v1/models",
            errors=missing[:100],
        )
    ready = [model for model in by_id.values() if model.state == ModelState.READY]
    return ready, [_not_ready(m) for m in by_id.values() if m.state != ModelState.READY]


def _not_ready(model: ModelRecord) -> dict[str, Any]:
    detail = f"the model is {model.state}"
    return {"model_id": model.id, "code": "model_not_ready", "detail": detail}
