"""Transferability maps: the snapshot for a request, and the job that computes one."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from service.core.catalog import transferability_map
from service.core.catalog.transferability_map import MOST_COMPARED_EXACTLY, MapComparison
from service.core.counts import counted
from service.core.errors import ConflictError, InvalidRequestError, NotFoundError
from service.core.fingerprints import fingerprint
from service.core.operations import names, owned_rows
from service.core.operations.dataset_kinds import require_kind
from service.core.operations.error_pointers import error_pointer
from service.core.operations.jobs import jobs
from service.core.operations.maps import snapshot_lookup
from service.core.operations.maps.requests import MapLayout, MapLook
from service.core.operations.maps.snapshot_lookup import Snapshot
from service.core.operations.measurements import graphs
from service.core.operations.remedies import post
from service.core.paging import Page
from service.core.tables import ArtifactRecord, DatasetRecord, JobRecord, MapRecord
from service.core.tracing import current_trace_id


@dataclass(frozen=True)
class MapOrJob:
    """Either the existing map or the job that computes it."""

    map: MapRecord | None = None
    job: JobRecord | None = None


@dataclass(frozen=True)
class _MapPlan:
    """What a request means for the models measured now.

    Attributes:
        comparable: How many networks the map can show.
        model_ids: All measured models.
        params: Parameters of the map, with defaults filled in.
        before: The map whose layout it continues.
    """

    comparable: int
    model_ids: list[str]
    params: dict[str, Any]
    before: MapRecord | None


def drawn(session: Session, *, project: str, dataset_id: str, look: MapLook) -> MapRecord:
    """The existing map of all networks measured so far.

    Raises:
        NotFoundError: ``dataset_not_found``; or ``not_measured``: it does not exist yet.
        ConflictError: ``dataset_not_ready``.
        InvalidRequestError: As ``create``.
    """
    plan = _plan(session, project, dataset_id, look)
    record = None
    if plan.comparable:
        _require_possible(plan, look)
        record = _existing(session, plan)
    if record is None:
        body = {"dataset_id": dataset_id, **look.model_dump(mode="json", exclude_defaults=True)}
        raise NotFoundError(
            f"the map of the networks measured on {dataset_id} does not exist yet",
            code="not_measured",
            remedy=f"{post('/v1/maps', body)}; for older maps see GET /v1/maps/{dataset_id}/snapshots",
        )
    return record


def create(session: Session, *, project: str, dataset_id: str, look: MapLook) -> MapOrJob:
    """The map of all networks measured so far, or the job that computes it.

    Raises:
        InvalidRequestError: ``unknown_dataset``, ``k_out_of_range``, ``clusters_out_of_range``,
            ``k_not_supported``, or ``edge_weight_not_supported``.
        ConflictError: ``dataset_not_ready``, or ``nothing_measured``.
    """
    with error_pointer("/dataset_id"):
        dataset_id = names.id_of(session, DatasetRecord, project=project, reference=dataset_id)
        plan = _plan(session, project, dataset_id, look)
    if not plan.comparable:
        raise ConflictError(
            f"no model is measured on {dataset_id} with these settings",
            code="nothing_measured",
            remedy="create a ranking with this probe set first; it measures the models",
        )
    _require_possible(plan, look)
    record = _existing(session, plan)
    if record is not None:
        return MapOrJob(map=record)
    inputs = {
        "dataset_id": dataset_id,
        "model_ids": plan.model_ids,
        "continues": None if plan.before is None else plan.before.id,
    }
    return MapOrJob(job=_submit(session, project, inputs, plan.params))


def _plan(session: Session, project: str, dataset_id: str, look: MapLook) -> _MapPlan:
    probes = owned_rows.get_ready(session, DatasetRecord, project=project, id=dataset_id)
    comparable = graphs.comparable_key(probes.manifest_sha256 or "", look.settings())
    measured = snapshot_lookup.measured(session, project=project, comparable=comparable)
    model_ids = sorted(network.model_id for network in measured)
    count = sum(network.comparable for network in measured)
    params = look.params(networks=count)
    before = snapshot_lookup.current(
        session, project=project, comparable=comparable, edge_weight=params.edge_weight
    )
    if look.layout is MapLayout.FRESH and not _began_with(
        session, before, snapshot_lookup.models_key(model_ids)
    ):
        before = None
    return _MapPlan(count, model_ids, params.model_dump(mode="json"), before)


def _existing(session: Session, plan: _MapPlan) -> MapRecord | None:
    """The map, if it exists."""
    if plan.before is None:
        return None
    return snapshot_lookup.drawn(
        session,
        project=plan.before.project,
        layout_id=plan.before.layout_id,
        models=snapshot_lookup.models_key(plan.model_ids),
        params=snapshot_lookup.params_key(plan.params),
    )


def _submit(
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
    """Whether the layout of a map began with the same networks, so that it is still fresh."""
    if before is None:
        return False
    first = owned_rows.get(session, MapRecord, project=before.project, id=before.layout_id)
    return first.models_key == models


def _require_possible(plan: _MapPlan, look: MapLook) -> None:
    """Require settings that this number of networks supports."""
    count = plan.comparable
    if plan.params["comparison"] == MapComparison.SKETCHES:
        count = min(count, MOST_COMPARED_EXACTLY)
        if look.k is not None:
            raise InvalidRequestError(
                "a map from sketches has no neighbors",
                code="k_not_supported",
                remedy="omit k, request comparison=exact, or GET /v1/models/{id}/neighbors",
            )
    if look.k is not None and look.k >= count:
        raise InvalidRequestError(
            f"k is {look.k}, but each of {count} networks has {count - 1} others",
            code="k_out_of_range",
            remedy="request a smaller k, or omit it",
        )
    if look.clusters is not None and look.clusters > count:
        raise InvalidRequestError(
            f"{counted(count, 'compared network')} cannot form {look.clusters} clusters",
            code="clusters_out_of_range",
            remedy="request fewer clusters, or omit clusters",
        )


def snapshot(session: Session, *, project: str, dataset_id: str, map_id: str) -> MapRecord:
    """A stored map of a dataset. Raises NotFoundError: ``map_not_found``."""
    return snapshot_lookup.get(session, project=project, map_id=map_id, dataset_id=dataset_id)


def snapshots(
    session: Session, *, project: str, dataset_id: str, after: str | None, limit: int
) -> Page[Snapshot]:
    """The maps of a dataset, newest first.

    Raises:
        NotFoundError: ``dataset_not_found``.
        InvalidRequestError: ``dataset_has_clips``.
    """
    require_kind(owned_rows.get(session, DatasetRecord, project=project, id=dataset_id))
    return snapshot_lookup.page(
        session, project=project, dataset_id=dataset_id, after=after, limit=limit
    )


def file(session: Session, *, record: MapRecord, name: str) -> ArtifactRecord:
    """A file of the map, such as ``matrix.svg`` or ``similarities.safetensors``.

    Raises:
        NotFoundError: ``artifact_not_found``.
    """
    for artifact in jobs.artifacts(session, project=record.project, job_id=record.job_id):
        if artifact.name == name:
            return artifact
    raise NotFoundError(
        f"the map {record.id} has no file {name}",
        code="artifact_not_found",
        remedy="create the map again with POST /v1/maps",
    )
