"""Look-ups: the rows that a ranking's request names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from service.core.candidate_layers import OUTPUT
from service.core.counts import counted
from service.core.errors import FieldProblem, InvalidRequestError
from service.core.ids import IdKind
from service.core.operations import owned_rows
from service.core.operations.dataset_kinds import READS_CLIPS, reads_clips
from service.core.operations.error_pointers import error_pointer
from service.core.operations.id_references import IdReference
from service.core.operations.measurements import reference_networks
from service.core.operations.rankings.schemas import (
    CandidateFilter,
    Candidates,
    RankingRequest,
    RankingTarget,
)
from service.core.operations.trainings.teachers import why_not_transferable
from service.core.operations.zoo import model_lists
from service.core.operations.zoo.model_lists import ModelFilter
from service.core.tables import DatasetRecord, ModelRecord, ModelState
from service.core.tables.model import HEAD_OF_READER


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
    if request.target.dataset_id is not None:
        candidates, obstructed = transferable(candidates)
        unranked = [*unranked, *obstructed]
    others = [model for model in candidates if model.id != target.id]
    require_any(others, unranked)
    others, without_layer = _with_layer(request.settings.layer, target=target, models=others)
    return RankingParticipants(target, probes, others, [*unranked, *without_layer])


def require_any(models: Sequence[ModelRecord], unranked: Sequence[Mapping[str, Any]]) -> None:
    """Return if there is a network to rank, or a reason why one is not.

    Raises:
        InvalidRequestError: ``no_candidates``.
    """
    if not models and not unranked:
        raise InvalidRequestError(
            "there is no network to rank: none that is ready matches, apart from the target",
            code="no_candidates",
            remedy="name other candidates or a wider filter; see GET /v1/models",
            errors=[FieldProblem("/candidates", "no network matches")],
        )


def _with_layer(
    layer: str | None, *, target: ModelRecord, models: Sequence[ModelRecord]
) -> tuple[list[ModelRecord], list[dict[str, Any]]]:
    """The models that have the layer to measure, and the others with the reason.

    Raises:
        InvalidRequestError: ``unknown_layer``: the target does not have it.
    """
    if layer is None:
        return list(models), []
    if target.state == ModelState.READY and not _has_layer(target, layer):
        raise InvalidRequestError(
            f"{target.name} has no layer {layer!r}",
            code="unknown_layer",
            remedy=f"see GET /v1/models/{target.id}/layers",
            errors=[FieldProblem("/settings/layer", "unknown layer")],
        )
    detail = f"the network has no layer {layer!r}"
    without = [model for model in models if not _has_layer(model, layer)]
    reasons = [{"model_id": m.id, "code": "unknown_layer", "detail": detail} for m in without]
    return [model for model in models if model not in without], reasons


def _has_layer(model: ModelRecord, layer: str) -> bool:
    return layer == OUTPUT or any(entry["name"] == layer for entry in model.layers)


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
            f"{dataset.id} has {counted(dataset.images or 0, 'image')}, too many for a probe set",
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
    """The candidates, and the named models that are not ready or read clips, with the reason.

    Raises:
        InvalidRequestError: ``unknown_model``, with a pointer to each.
    """
    if requested is None or requested.model_ids is None:
        fields = (requested.filter if requested else None) or CandidateFilter()
        where = ModelFilter(ModelState.READY, fields.task, fields.tag, fields.name)
        query = model_lists.matching(project, where).order_by(ModelRecord.id)
        return list(session.scalars(query.where(HEAD_OF_READER.is_(None)))), []
    return _named(session, project, requested.model_ids)


def transferable(
    models: Sequence[ModelRecord],
) -> tuple[list[ModelRecord], list[dict[str, Any]]]:
    """The models that can be built on, and the others with the reason."""
    obstacles = {model.id: why_not_transferable(model) for model in models}
    unranked = [
        {"model_id": model_id, "code": obstacle.code, "detail": obstacle.detail}
        for model_id, obstacle in obstacles.items()
        if obstacle is not None
    ]
    return [model for model in models if obstacles[model.id] is None], unranked


def _named(
    session: Session, project: str, ids: tuple[str, ...]
) -> tuple[list[ModelRecord], list[dict[str, Any]]]:
    """The ready models with these ids, and the others with the reason."""
    references = [
        IdReference(f"/candidates/model_ids/{index}", IdKind.MODEL, model_id)
        for index, model_id in enumerate(ids)
    ]
    owned_rows.require_references(session, project=project, references=references)
    query = model_lists.matching(project, ModelFilter()).where(ModelRecord.id.in_(ids))
    by_id = {model.id: model for model in session.scalars(query)}
    obstacles = {model.id: _obstacle(model) for model in by_id.values()}
    ready = [model for model in by_id.values() if obstacles[model.id] is None]
    return ready, [obstacle for obstacle in obstacles.values() if obstacle is not None]


def _obstacle(model: ModelRecord) -> dict[str, Any] | None:
    """Why a named model cannot be a candidate; None if it can."""
    if model.is_reader:
        return {"model_id": model.id, "code": READS_CLIPS, "detail": reads_clips(model)}
    if model.state != ModelState.READY:
        detail = f"the model is {model.state}"
        return {"model_id": model.id, "code": "model_not_ready", "detail": detail}
    return None
