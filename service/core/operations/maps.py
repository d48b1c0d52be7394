"""Transferability maps: the snapshot that answers a question, or the job that draws one."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from service.core.catalogue import transferability_map
from service.core.catalogue.transferability_map import TransferabilityMapParams
from service.core.errors import ConflictError, InvalidRequestError, NotFoundError
from service.core.fingerprints import fingerprint
from service.core.operations import datasets, graphs, jobs, map_snapshots
from service.core.operations.map_requests import MapLayout, MapRequest
from service.core.operations.map_snapshots import Snapshot
from service.core.paging import Page
from service.core.records import ArtifactRecord, JobRecord, MapRecord
from service.core.tracing import current_trace_id


@dataclass(frozen=True)
class MapOrJob:
    """Exactly one of the two: the map that is there, or the job that will draw it."""

    map: MapRecord | None = None
    job: JobRecord | None = None


def latest(session: Session, *, project: str, dataset_id: str, request: MapRequest) -> MapOrJob:
    """The map of all networks measured so far, or the job that draws it.

    Raises:
        NotFoundError: ``dataset_not_found``.
        ConflictError: ``dataset_not_ready``, or ``nothing_measured``.
        InvalidRequestError: ``k_out_of_range``, ``clusters_out_of_range``, or
            ``edge_weight_not_possible``.
    """
    params = request.params()
    probes = datasets.get_ready(session, project=project, dataset_id=dataset_id)
    comparable = graphs.comparable_key(probes.manifest_sha256 or "", params.settings)
    measured = map_snapshots.measured(session, project=project, comparable=comparable)
    _require_possible(sum(one.comparable for one in measured), params, dataset_id)
    model_ids = sorted(one.model_id for one in measured)
    models, filled = map_snapshots.models_key(model_ids), params.model_dump(mode="json")
    before = map_snapshots.current(
        session, project=project, comparable=comparable, edge_weight=params.edge_weight
    )
    if request.layout is MapLayout.FRESH and not _began_with(session, before, models):
        before = None
    if before is not None:
        key = map_snapshots.params_key(filled)
        found = map_snapshots.drawn(session, layout_id=before.layout_id, models=models, params=key)
        if found is not None:
            return MapOrJob(map=found)
    continues = None if before is None else before.id
    inputs = {"dataset_id": dataset_id, "model_ids": model_ids, "continues": continues}
    return MapOrJob(job=_ordered(session, project, inputs, filled))


def _ordered(
    session: Session, project: str, inputs: dict[str, Any], params: dict[str, Any]
) -> JobRecord:
    return jobs.submit(
        session,
        project=project,
        method=transferability_map.CARD.name,
        inputs=inputs,
        params=params,
        cache_key=fingerprint([transferability_map.CARD.version, inputs, params]),
        trace_id=current_trace_id(),
    )


def _began_with(session: Session, before: MapRecord | None, models: str) -> bool:
    """Whether the layout of a map was begun with the same networks: then it is fresh as it is."""
    if before is None:
        return False
    return session.get_one(MapRecord, before.layout_id).models_key == models


def _require_possible(count: int, params: TransferabilityMapParams, dataset_id: str) -> None:
    """Refuse what so many networks cannot show."""
    if count == 0:
        raise ConflictError(
            f"no model has been measured on {dataset_id} with these settings",
            code="nothing_measured",
            remedy="ask for a ranking with these probes first; it measures the models",
        )
    if params.k is not None and params.k >= count:
        raise InvalidRequestError(
            f"k is {params.k}, but each of {count} networks has {count - 1} others",
            code="k_out_of_range",
            remedy="ask for a smaller k, or leave it out",
        )
    if params.clusters is not None and params.clusters > count:
        raise InvalidRequestError(
            f"{count} networks cannot form {params.clusters} clusters",
            code="clusters_out_of_range",
            remedy="ask for fewer clusters, or leave the number out",
        )


def snapshot(session: Session, *, project: str, dataset_id: str, map_id: str) -> MapRecord:
    """A map as it was drawn once. Raises NotFoundError: ``map_not_found``."""
    return map_snapshots.get(session, project=project, map_id=map_id, dataset_id=dataset_id)


def snapshots(
    session: Session, *, project: str, dataset_id: str, after: str | None, limit: int
) -> Page[Snapshot]:
    """The maps of a dataset, newest first. Raises NotFoundError: ``dataset_not_found``."""
    datasets.get(session, project=project, dataset_id=dataset_id)
    return map_snapshots.page(
        session, project=project, dataset_id=dataset_id, after=after, limit=limit
    )


def file(session: Session, *, record: MapRecord, name: str) -> ArtifactRecord:
    """A file of the map, such as ``matrix.svg`` or ``similarities.safetensors``.

    Raises:
        NotFoundError: ``artifact_not_found``.
    """
    found = jobs.artifacts(session, project=record.project, job_id=record.job_id)
    for artifact in found:
        if artifact.name == name:
            return artifact
    raise NotFoundError(f"the map {record.id} has no {name}", code="artifact_not_found")
