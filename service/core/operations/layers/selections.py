"""Layer selections: created and compared once, read for any edge weight."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from service.core.catalog import layer_selection
from service.core.fingerprints import fingerprint
from service.core.ids import IdKind, new_id
from service.core.operations import names, stored_answers
from service.core.operations.jobs.internal_jobs import RANKING_PRIORITY, submit_for
from service.core.operations.layers.requests import (
    LayerParticipants,
    LayerSelectionRequest,
    resolve_participants,
)
from service.core.operations.layers.scores import baselines, choice, curve
from service.core.operations.measurements.effective_probes import few_probes, require_enough
from service.core.operations.zoo import models
from service.core.paging import Page
from service.core.tables import (
    LayerSelectionRecord,
    LayerSelectionState,
)


def create(
    session: Session, *, project: str, request: LayerSelectionRequest
) -> LayerSelectionRecord:
    """A selection: that of an equal earlier request, otherwise a pending one with a job.

    Raises:
        InvalidRequestError: A model, dataset or layer does not exist or cannot serve;
            ``too_few_probes``.
        ConflictError: A network or the probe set is not ready.
    """
    request = names.with_ids(session, request, project=project)
    participants = resolve_participants(session, project=project, request=request)
    key = _cache_key(participants, request)
    existing = stored_answers.of_equal_request(
        session, LayerSelectionRecord, project=project, key=key
    )
    if existing is not None:
        return existing
    record = LayerSelectionRecord(
        id=new_id(IdKind.LAYER_SELECTION),
        project=project,
        state=LayerSelectionState.PENDING,
        cache_key=key,
        source_model_id=participants.source.id,
        target_model_id=participants.target.id,
        dataset_id=participants.probes.id,
        target_layer=participants.target_layer,
        candidates=list(participants.candidates),
        settings=request.settings.model_dump(mode="json"),
        layers=[],
        effective_probes=require_enough(session, participants.probes),
    )
    session.add(record)
    session.flush()
    submit_for(
        session,
        record,
        method=layer_selection.SPEC.name,
        inputs={"selection_id": record.id},
        params=record.settings,
        depends_on=models.jobs_making(participants.target),
        priority=RANKING_PRIORITY,
    )
    return record


def _cache_key(participants: LayerParticipants, request: LayerSelectionRequest) -> str:
    """Hash of everything that determines the parts; the edge weight applies when reading."""
    return fingerprint(
        {
            "method": layer_selection.SPEC.name,
            "version": layer_selection.SPEC.version,
            "params": request.settings.model_dump(mode="json"),
            "source": participants.source.id,
            "target": participants.target.id,
            "target_layer": participants.target_layer,
            "layers": list(participants.candidates),
            "probes": participants.probes.manifest_sha256,
        }
    )


def page(
    session: Session, *, project: str, state: str | None, after: str | None, limit: int
) -> Page[LayerSelectionRecord]:
    """Selections of the project, newest first, without the parts of their layers."""
    return stored_answers.page(
        session,
        LayerSelectionRecord,
        large=LayerSelectionRecord.layers,
        project=project,
        state=state,
        after=after,
        limit=limit,
    )


def values_of(selection: LayerSelectionRecord, *, edge_weight: float) -> dict[str, Any]:
    """The values of a selection for an edge weight, with its curve and choice."""
    probes = selection.effective_probes
    layers = curve(selection.layers, edge_weight=edge_weight, effective_probes=probes)
    return {
        "id": selection.id,
        "state": selection.state,
        "job_id": selection.job_id,
        "source_model_id": selection.source_model_id,
        "target_model_id": selection.target_model_id,
        "target_layer": selection.target_layer,
        "probe_set_id": selection.dataset_id,
        "edge_weight": edge_weight,
        "choice": choice(layers),
        "baselines": baselines(layers),
        "layers": layers,
        "effective_probes": probes,
        "warnings": few_probes(probes),
        "error": selection.error,
        "cache_key": selection.cache_key,
        "created_at": selection.created_at,
    }


def finish(
    selection: LayerSelectionRecord,
    *,
    layers: Sequence[Mapping[str, Any]],
    measured: Mapping[str, Any],
) -> None:
    """Store the parts of every layer; the selection is ready."""
    selection.layers = list(layers)
    selection.measured = dict(measured)
    selection.state = LayerSelectionState.READY
    selection.error = None
