"""Layer selections: created and compared once, read for any edge weight."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from service.core.catalog import layer_selection
from service.core.fingerprints import fingerprint
from service.core.ids import IdKind, new_id
from service.core.operations.jobs.internal_jobs import RANKING_PRIORITY, submit_for
from service.core.operations.layers.requests import (
    LayerParticipants,
    LayerSelectionRequest,
    resolve_participants,
)
from service.core.operations.layers.scores import baselines, choice, curve
from service.core.operations.zoo import models
from service.core.tables import (
    FINAL_STATES,
    JobRecord,
    LayerSelectionRecord,
    LayerSelectionState,
)


def create(
    session: Session, *, project: str, request: LayerSelectionRequest
) -> LayerSelectionRecord:
    """A selection: that of an equal earlier request, otherwise a pending one with a job.

    Raises:
        InvalidRequestError: A model, dataset or layer does not exist or cannot serve.
        ConflictError: A network or the probe set is not ready.
    """
    participants = resolve_participants(session, project=project, request=request)
    key = _cache_key(participants, request)
    _lock(session, project, key)
    existing = _existing(session, project, key)
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


def _lock(session: Session, project: str, key: str) -> None:
    """Serialize equal requests until the transaction ends."""
    statement = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 21))")
    session.execute(statement, {"name": f"{project}\n{key}"})


def _existing(session: Session, project: str, key: str) -> LayerSelectionRecord | None:
    """The newest selection with this key that did not fail."""
    query = (
        select(LayerSelectionRecord)
        .where(
            LayerSelectionRecord.project == project,
            LayerSelectionRecord.cache_key == key,
            LayerSelectionRecord.state != LayerSelectionState.FAILED,
        )
        .order_by(LayerSelectionRecord.id.desc())
        .limit(1)
    )
    return session.scalars(query).first()


def progress(session: Session, *, selection: LayerSelectionRecord) -> dict[str, Any] | None:
    """Progress of the job of a pending selection; None if there is nothing to wait for."""
    if selection.state != LayerSelectionState.PENDING or selection.job_id is None:
        return None
    job = session.get(JobRecord, selection.job_id)
    if job is None or job.state in FINAL_STATES:
        return None
    waiting = {"step": 0, "total": 1, "message": "waiting"}
    return {**waiting, **job.progress} if job.progress else waiting


def values_of(selection: LayerSelectionRecord, *, edge_weight: float) -> dict[str, Any]:
    """The values of a selection for an edge weight, with its curve and choice."""
    layers = curve(selection.layers, edge_weight=edge_weight)
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
