"""Transferability maps: the latest snapshot of a probe set, or the job that draws one."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core.catalogue import transferability_map
from service.core.catalogue.transferability_map import TransferabilityMapParams
from service.core.errors import ConflictError, NotFoundError
from service.core.fingerprints import fingerprint
from service.core.operations import datasets, graphs, jobs
from service.core.records import ArtifactRecord, DatasetRecord, JobRecord, MapRecord
from service.core.tracing import current_trace_id


@dataclass(frozen=True)
class MapOrJob:
    """Exactly one of the two: the map that is there, or the job that will draw it."""

    map: MapRecord | None = None
    job: JobRecord | None = None


def latest(
    session: Session, *, project: str, dataset_id: str, params: TransferabilityMapParams
) -> MapOrJob:
    """The map of all networks measured so far, or the job that draws it.

    Raises:
        NotFoundError: ``dataset_not_found``.
        ConflictError: ``dataset_not_ready``, or ``nothing_measured``.
    """
    probes = datasets.get_ready(session, project=project, dataset_id=dataset_id)
    comparable = graphs.comparable_key(probes.manifest_sha256 or "", params.settings)
    measured = graphs.measured(session, project=project, comparable=comparable)
    model_ids = sorted({graph.model_id for graph in measured})
    query = select(MapRecord).where(
        MapRecord.project == project,
        MapRecord.dataset_id == dataset_id,
        MapRecord.params_key == graphs.map_params_key(params.model_dump(mode="json")),
        MapRecord.models_key == graphs.map_models_key(model_ids),
    )
    found = session.scalars(query.order_by(MapRecord.id.desc()).limit(1)).first()
    if found is not None:
        return MapOrJob(map=found)
    return MapOrJob(job=_ordered(session, probes, params, model_ids))


def _ordered(
    session: Session, probes: DatasetRecord, params: TransferabilityMapParams, model_ids: list[str]
) -> JobRecord:
    if not model_ids:
        raise ConflictError(
            f"no model has been measured on {probes.id} with these settings",
            code="nothing_measured",
            remedy="ask for a ranking with these probes first; it measures the models",
        )
    filled = params.model_dump(mode="json")
    return jobs.submit(
        session,
        project=probes.project,
        method=transferability_map.CARD.name,
        inputs={"dataset_id": probes.id, "model_ids": model_ids},
        params=filled,
        cache_key=fingerprint([transferability_map.CARD.version, probes.id, filled, model_ids]),
        trace_id=current_trace_id(),
    )


def file(session: Session, *, record: MapRecord, name: str) -> ArtifactRecord:
    """A file of the map, such as ``matrix.svg`` or ``similarities.safetensors``.

    Raises:
        NotFoundError: ``artifact_not_found``.
    """
    query = select(ArtifactRecord).where(
        ArtifactRecord.job_id == record.job_id, ArtifactRecord.name == name
    )
    found = session.scalars(query).first()
    if found is None:
        raise NotFoundError(f"the map {record.id} has no {name}", code="artifact_not_found")
    return found
