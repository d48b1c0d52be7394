"""Layer selections: ask, compare once, read for any edge weight."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from service.core.catalog import Audience, layer_selection
from service.core.errors import NotFoundError
from service.core.fingerprints import fingerprint
from service.core.ids import IdKind, new_id
from service.core.operations.jobs import jobs
from service.core.operations.layers.requests import (
    LayerParticipants,
    LayerSelectionRequest,
    resolve_participants,
)
from service.core.operations.layers.scores import baselines, choice, curve
from service.core.tables import (
    FINAL_STATES,
    JobRecord,
    LayerSelectionRecord,
    LayerSelectionState,
    ModelState,
)
from service.core.tracing import current_trace_id


def create(
    session: Session, *, project: str, request: LayerSelectionRequest
) -> LayerSelectionRecord:
    """A selection: the one that an equal request made before, else a pending one with a job.

    Raises:
        InvalidRequestError: A model, dataset or layer does not exist or cannot serve.
        ConflictError: A network or the probe set is not ready.
    """
    participants = resolve_participants(session, project=project, request=request)
    key = _cache_key(participants, request)
    _hold(session, project, key)
    known = _known(session, project, key)
    if known is not None:
        return known
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
    _order_job(session, record, participants)
    return record


def _cache_key(participants: LayerParticipants, request: LayerSelectionRequest) -> str:
    """Equal keys promise equal parts; the edge weight is a matter of reading."""
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


def _hold(session: Session, project: str, key: str) -> None:
    """Let equal requests come one after the other until the transaction ends."""
    lock = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 21))")
    session.execute(lock, {"name": f"{project}\n{key}"})


def _known(session: Session, project: str, key: str) -> LayerSelectionRecord | None:
    """The newest selection with this key that has not failed."""
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


def _order_job(
    session: Session, record: LayerSelectionRecord, participants: LayerParticipants
) -> None:
    """The job that compares; it waits for the one that makes the target's network, if any."""
    awaited = (
        participants.target.state == ModelState.PENDING and participants.target.job_id is not None
    )
    job = jobs.submit(
        session,
        project=record.project,
        method=layer_selection.SPEC.name,
        inputs={"selection_id": record.id},
        params=record.settings,
        depends_on=[str(participants.target.job_id)] if awaited else [],
        priority=1,
        trace_id=current_trace_id(),
        audience=Audience.INTERNAL,
    )
    record.job_id = job.id
    session.flush()


def get(session: Session, *, project: str, selection_id: str) -> LayerSelectionRecord:
    """The selection.

    Raises:
        NotFoundError: ``layer_selection_not_found``.
    """
    record = session.get(LayerSelectionRecord, selection_id)
    if record is None or record.project != project:
        raise NotFoundError(
            f"there is no layer selection {selection_id}", code="layer_selection_not_found"
        )
    return record


def progress(session: Session, *, selection: LayerSelectionRecord) -> dict[str, Any] | None:
    """How far the job of a pending selection is; None when there is nothing to wait for."""
    if selection.state != LayerSelectionState.PENDING or selection.job_id is None:
        return None
    job = session.get(JobRecord, selection.job_id)
    if job is None or job.state in FINAL_STATES:
        return None
    waiting = {"step": 0, "total": 1, "message": "waiting"}
    return {**waiting, **job.progress} if job.progress else waiting


def told(selection: LayerSelectionRecord, *, edge_weight: float) -> dict[str, Any]:
    """What a reader learns: the curve and the choice, for an edge weight."""
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
    """Keep the parts of every layer; the selection can be read now."""
    selection.layers = list(layers)
    selection.measured = dict(measured)
    selection.state = LayerSelectionState.READY
    selection.error = None
