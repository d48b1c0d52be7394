"""/v1/maps: how all networks relate, seen through one probe set."""

from enum import StrEnum
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from service.core.catalogue.measurement import Metric
from service.core.catalogue.transferability_map import Linkage, TransferabilityMapParams
from service.core.errors import InvalidRequestError
from service.core.operations import maps
from service.core.operations.keys import Caller, Scope
from service.core.operations.maps import MapOrJob
from service.core.operations.ranking_requests import DEFAULT_EDGE_WEIGHT
from service.core.records import MapRecord
from service.rest.answers import file_answer, json_answer, known, unchanged
from service.rest.matrices import arrays_in, as_csv, as_npz
from service.rest.parts import AppParts, Id, IfNoneMatch, Parts, Prefer, Reader
from service.rest.routes.jobs import ended_job
from service.rest.views.jobs import JobView
from service.rest.views.maps import MapView
from service.rest.waiting import seconds_in

router = APIRouter(prefix="/v1/maps", tags=["maps"])
EdgeWeight = Annotated[float | None, Query(ge=0, le=1e6, allow_inf_nan=False)]


class MapFormat(StrEnum):
    """How a map is sent."""

    JSON = "json"
    CSV = "csv"
    NPZ = "npz"
    SVG = "svg"
    PNG = "png"


class Picture(StrEnum):
    """Which drawing of a map."""

    MATRIX = "matrix"
    TREE = "tree"
    LAYOUT = "layout"


_FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            "application/json": {},
            "text/csv": {"schema": {"type": "string"}},
            "image/svg+xml": {"schema": {"type": "string"}},
            "image/png": {"schema": {"type": "string", "format": "binary"}},
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
        }
    },
    202: {"model": JobView, "description": "The job that draws the map"},
}


@router.get("/{dataset_id}", response_model=MapView, responses=_FILES)
async def show(
    dataset_id: Id,
    parts: AppParts,
    caller: Reader,
    metric: Metric = Metric.DEPARA,
    edge_weight: EdgeWeight = None,
    linkage: Linkage = Linkage.SINGLE,
    form: Annotated[MapFormat, Query(alias="format")] = MapFormat.JSON,
    picture: Picture = Picture.MATRIX,
    prefer: Prefer = None,
    seen: IfNoneMatch = None,
) -> Response:
    """The map of all networks measured so far; 202 with a job while it is being drawn."""
    params = _params(metric, edge_weight, linkage)
    look = partial(_look, parts, caller, dataset_id, params)
    found = await run_in_threadpool(look)
    if found.job is not None:
        ended = await ended_job(parts, caller, found.job.id, seconds=seconds_in(prefer))
        found = found if ended is None else await run_in_threadpool(look)
    if found.map is None:
        assert found.job is not None
        location = {"Location": f"/v1/jobs/{found.job.id}"}
        return json_answer(JobView.of(found.job), status=202, headers=location)
    if known(_etag(found.map), seen):
        return unchanged(_etag(found.map))
    return await run_in_threadpool(_sent, parts, found.map, form, picture)


def _params(
    metric: Metric, edge_weight: float | None, linkage: Linkage
) -> TransferabilityMapParams:
    if metric is Metric.ATTRIBUTION and edge_weight:
        raise InvalidRequestError(
            "the metric attribution has no edges; leave edge_weight out",
            code="edge_weight_not_possible",
        )
    default = 0.0 if metric is Metric.ATTRIBUTION else DEFAULT_EDGE_WEIGHT
    weight = default if edge_weight is None else edge_weight
    return TransferabilityMapParams(edge_weight=weight, linkage=linkage)


def _look(
    parts: Parts, caller: Caller, dataset_id: str, params: TransferabilityMapParams
) -> MapOrJob:
    with parts.zoo.transaction() as session:
        found = maps.latest(session, project=caller.project, dataset_id=dataset_id, params=params)
        if found.map is None:
            caller.require(Scope.JOBS)
        return found


def _etag(record: MapRecord) -> str:
    return f'"{record.id}"'


def _sent(parts: Parts, record: MapRecord, form: MapFormat, picture: Picture) -> Response:
    headers = {"ETag": _etag(record)}
    if form is MapFormat.JSON:
        return json_answer(MapView.of(record), headers=headers)
    if form in (MapFormat.CSV, MapFormat.NPZ):
        return _matrices(parts, record, form, headers)
    with parts.zoo.transaction() as session:
        artifact = maps.file(session, record=record, name=f"{picture}.{form}")
    return file_answer(
        parts.zoo.blobs.read(artifact.sha256),
        media_type=artifact.media_type,
        size_bytes=artifact.size_bytes,
        sha256=artifact.sha256,
        filename=artifact.name,
    )


def _matrices(
    parts: Parts, record: MapRecord, form: MapFormat, headers: dict[str, str]
) -> Response:
    """The exact matrices of all pairs, as a table of scores or as numpy's archive."""
    with parts.zoo.transaction() as session:
        artifact = maps.file(session, record=record, name="similarities.safetensors")
    arrays = arrays_in(b"".join(parts.zoo.blobs.read(artifact.sha256)))
    if form is MapFormat.NPZ:
        return Response(as_npz(arrays), headers=headers, media_type="application/octet-stream")
    weight = float(record.document["params"]["edge_weight"])
    table = as_csv(record.document["models"], arrays, edge_weight=weight)
    return Response(table, headers=headers, media_type="text/csv")
