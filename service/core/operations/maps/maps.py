"""Transferability maps: the snapshot that answers a question, and the job that draws one."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from service.core.catalog import transferability_map
from service.core.errors import ConflictError, InvalidRequestError, NotFoundError
from service.core.fingerprints import fingerprint
from service.core.operations.jobs import jobs
from service.core.operations.maps import snapshot_lookup
from service.core.operations.maps.requests import MapLayout, MapLook
from service.core.operations.maps.snapshot_lookup import Snapshot
from service.core.operations.measurements import graphs
from service.core.operations.rankings.requests import naming
from service.core.operations.remedies import post
from service.core.operations.zoo import datasets
from service.core.paging import Page
from service.core.tables import ArtifactRecord, JobRecord, MapRecord
from service.core.tracing import current_trace_id


@dataclass(frozen=True)
class MapOrJob:
    """Exactly one of the two: the map that is there, or the job that will draw it."""

    map: MapRecord | None = None
    job: JobRecord | None = None


@dataclass(frozen=True)
class _Wanted:
    """What a request means now.

    Attributes:
        comparable: How many networks have a place on the map.
        model_ids: All that were measured.
        params: Of the map, filled in.
        before: The map whose layout it continues.
    """

    comparable: int
    model_ids: list[str]
    params: dict[str, Any]
    before: MapRecord | None


def drawn(session: Session, *, project: str, dataset_id: str, look: MapLook) -> MapRecord:
    """The map of all networks measured so far, as it was drawn before.

    Raises:
        NotFoundError: ``dataset_not_found``; or ``not_measured``: it was not drawn yet.
        ConflictError: ``dataset_not_ready``.
        InvalidRequestError: As ``create``.
    """
    wanted = _wanted(session, project, dataset_id, look)
    found = None
    if wanted.comparable:
        _require_possible(wanted, look)
        found = _found(session, wanted)
    if found is None:
        body = {"dataset_id": dataset_id, **look.model_dump(mode="json", exclude_defaults=True)}
        raise NotFoundError(
            f"this map of the networks measured on {dataset_id} was not drawn yet",
            code="not_measured",
            remedy=f"{post('/v1/maps', body)}; older ones: GET /v1/maps/{dataset_id}/snapshots",
        )
    return found


def create(session: Session, *, project: str, dataset_id: str, look: MapLook) -> MapOrJob:
    """The map of all networks measured so far, or the job that draws it.

    Raises:
        InvalidRequestError: ``dataset_unknown``, ``k_out_of_range``, ``clusters_out_of_range``, or
            ``edge_weight_not_supported``.
        ConflictError: ``dataset_not_ready``, or ``nothing_measured``.
    """
    with naming("/dataset_id"):
        wanted = _wanted(session, project, dataset_id, look)
    if not wanted.comparable:
        raise ConflictError(
            f"no model has been measured on {dataset_id} with these settings",
            code="nothing_measured",
            remedy="ask for a ranking with these probes first; it measures the models",
        )
    _require_possible(wanted, look)
    found = _found(session, wanted)
    if found is not None:
        return MapOrJob(map=found)
    inputs = {
        "dataset_id": dataset_id,
        "model_ids": wanted.model_ids,
        "continues": None if wanted.before is None else wanted.before.id,
    }
    return MapOrJob(job=_ordered(session, project, inputs, wanted.params))


def _wanted(session: Session, project: str, dataset_id: str, look: MapLook) -> _Wanted:
    params = look.params()
    probes = datasets.get_ready(session, project=project, dataset_id=dataset_id)
    comparable = graphs.comparable_key(probes.manifest_sha256 or "", params.settings)
    measured = snapshot_lookup.measured(session, project=project, comparable=comparable)
    model_ids = sorted(one.model_id for one in measured)
    before = snapshot_lookup.current(
        session, project=project, comparable=comparable, edge_weight=params.edge_weight
    )
    if look.layout is MapLayout.FRESH and not _began_with(
        session, before, snapshot_lookup.models_key(model_ids)
    ):
        before = None
    count = sum(one.comparable for one in measured)
    return _Wanted(count, model_ids, params.model_dump(mode="json"), before)


def _found(session: Session, wanted: _Wanted) -> MapRecord | None:
    """The map, if it was drawn."""
    if wanted.before is None:
        return None
    return snapshot_lookup.drawn(
        session,
        layout_id=wanted.before.layout_id,
        models=snapshot_lookup.models_key(wanted.model_ids),
        params=snapshot_lookup.params_key(wanted.params),
    )


def _ordered(
    session: Session, project: str, inputs: dict[str, Any], params: dict[str, Any]
) -> JobRecord:
    return jobs.submit(
        session,
        project=project,
        method=transferability_map.SPEC.name,
        inputs=inputs,
        params=params,
        cache_key=fingerprint([transferability_map.SPEC.version, inputs, params]),
        trace_id=current_trace_id(),
    )


def _began_with(session: Session, before: MapRecord | None, models: str) -> bool:
    """Whether the layout of a map was begun with the same networks: then it is fresh as it is."""
    if before is None:
        return False
    return session.get_one(MapRecord, before.layout_id).models_key == models


def _require_possible(wanted: _Wanted, look: MapLook) -> None:
    """Refuse what so many networks cannot show."""
    count = wanted.comparable
    if look.k is not None and look.k >= count:
        raise InvalidRequestError(
            f"k is {look.k}, but each of {count} networks has {count - 1} others",
            code="k_out_of_range",
            remedy="ask for a smaller k, or leave it out",
        )
    if look.clusters is not None and look.clusters > count:
        raise InvalidRequestError(
            f"{count} networks cannot form {look.clusters} clusters",
            code="clusters_out_of_range",
            remedy="ask for fewer clusters, or leave the number out",
        )


def snapshot(session: Session, *, project: str, dataset_id: str, map_id: str) -> MapRecord:
    """A map as it was drawn once. Raises NotFoundError: ``map_not_found``."""
    return snapshot_lookup.get(session, project=project, map_id=map_id, dataset_id=dataset_id)


def snapshots(
    session: Session, *, project: str, dataset_id: str, after: str | None, limit: int
) -> Page[Snapshot]:
    """The maps of a dataset, newest first. Raises NotFoundError: ``dataset_not_found``."""
    datasets.get(session, project=project, dataset_id=dataset_id)
    return snapshot_lookup.page(
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
