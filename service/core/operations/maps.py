"""Transferability maps: the latest snapshot of a probe set, or the job that draws one."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core.catalogue import transferability_map
from service.core.catalogue.transferability_map import TransferabilityMapParams
from service.core.fingerprints import fingerprint
from service.core.operations import datasets, graphs, jobs
from service.core.records import ArtifactRecord, DatasetRecord, JobRecord, MapRecord
from service.core.tracing import current_trace_id


@dataclass(frozen=True)
class MapOrJob:
    """Exactly one of the two: the map that is there, or the job that will draw it."""

    map: MapRecord | None = None
    job: JobRecord | None = None


def params_key(params: TransferabilityMapParams) -> str:
    """Hash of the method, its version and its parameters."""
    return fingerprint(
        {
            "method": transferability_map.CARD.name,
            "version": transferability_map.CARD.version,
            "params": params.model_dump(mode="json"),
        }
    )


def models_key(graph_ids: list[str]) -> str:
    """Hash of all graphs of a probe set, placed or left out: another graph, another map."""
    return fingerprint(sorted(graph_ids))


def latest(
    session: Session, *, project: str, dataset_id: str, params: TransferabilityMapParams
) -> MapOrJob:
    """The map of all networks measured so far, or the job that draws it.

    Raises:
        NotFoundError: ``dataset_not_found``.
        ConflictError: ``dataset_not_ready``.
    """
    probes = datasets.get_ready(session, project=project, dataset_id=dataset_id)
    comparable = graphs.comparable_key(probes.manifest_sha256 or "", params.settings)
    present = graphs.measured(session, project=project, comparable=comparable)
    key = models_key([graph.id for graph in present])
    query = select(MapRecord).where(
        MapRecord.project == project,
        MapRecord.dataset_id == dataset_id,
        MapRecord.params_key == params_key(params),
        MapRecord.models_key == key,
    )
    found = session.scalars(query.order_by(MapRecord.id.desc()).limit(1)).first()
    if found is not None:
        return MapOrJob(map=found)
    return MapOrJob(job=_ordered(session, probes, params, key))


def _ordered(
    session: Session, probes: DatasetRecord, params: TransferabilityMapParams, key: str
) -> JobRecord:
    return jobs.submit(
        session,
        project=probes.project,
        method=transferability_map.CARD.name,
        inputs={"dataset_id": probes.id, "model_ids": None},
        params=params.model_dump(mode="json"),
        cache_key=fingerprint([params_key(params), probes.id, key]),
        trace_id=current_trace_id(),
    )


def picture(session: Session, *, record: MapRecord, suffix: str) -> ArtifactRecord | None:
    """The map's first artifact whose name ends with ``suffix``, such as ``matrix.svg``."""
    query = select(ArtifactRecord).where(
        ArtifactRecord.job_id == record.job_id, ArtifactRecord.name.endswith(suffix)
    )
    return session.scalars(query.order_by(ArtifactRecord.name).limit(1)).first()
