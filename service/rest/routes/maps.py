"""/v1/maps: how all networks relate, seen through one probe set."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from service.core.catalogue.measurement import Metric
from service.core.catalogue.transferability_map import Linkage, TransferabilityMapParams
from service.core.operations import map_files, maps
from service.core.operations.keys import Caller, Scope
from service.core.operations.map_files import MapFormat, Picture
from service.core.operations.maps import MapOrJob
from service.core.records import MapRecord
from service.rest.answers import json_answer, known, plain, unchanged
from service.rest.parts import AppParts, Id, IfNoneMatch, Parts, Prefer, Reader
from service.rest.routes.jobs import ended_job
from service.rest.views.jobs import JobView
from service.rest.views.maps import MapView
from service.rest.waiting import seconds_in

router = APIRouter(prefix="/v1/maps", tags=["maps"])
EdgeWeight = Annotated[float | None, Query(ge=0, le=1e6, allow_inf_nan=False)]


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
    params = map_files.params_for(metric, edge_weight=edge_weight, linkage=linkage)
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
    with parts.zoo.transaction() as session:
        file = map_files.file_of(
            session, record=record, form=form, picture=picture, blobs=parts.zoo.blobs
        )
    headers["Content-Disposition"] = f'attachment; filename="{plain(file.name)}"'
    headers["X-Content-Type-Options"] = "nosniff"
    return StreamingResponse(file.chunks, headers=headers, media_type=file.media_type)
