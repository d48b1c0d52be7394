"""/v1/maps: how all networks relate, seen through one probe set."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from service.core.operations import map_files, maps
from service.core.operations.keys import Caller, Scope
from service.core.operations.map_requests import MapForm, MapFormat, MapRequest
from service.core.operations.maps import MapOrJob
from service.core.records import MapRecord
from service.rest.answers import json_answer, known, plain, unchanged
from service.rest.parts import (
    PAGE_SIZE,
    AppParts,
    Id,
    IfNoneMatch,
    PageSize,
    PageToken,
    Parts,
    Prefer,
    Reader,
)
from service.rest.routes.jobs import ended_job
from service.rest.views.jobs import JobView
from service.rest.views.maps import MapView, SnapshotView
from service.rest.views.paging import ListView
from service.rest.waiting import seconds_in

router = APIRouter(prefix="/v1/maps", tags=["maps"])

_FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            "application/json": {},
            "text/csv": {"schema": {"type": "string"}},
            "application/xml": {"schema": {"type": "string"}},
            "image/svg+xml": {"schema": {"type": "string"}},
            "image/png": {"schema": {"type": "string", "format": "binary"}},
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
        }
    },
}
_DRAWN_FIRST: dict[int | str, dict[str, Any]] = {
    **_FILES,
    202: {"model": JobView, "description": "The job that draws the map"},
}


@router.get("/{dataset_id}", response_model=MapView, responses=_DRAWN_FIRST)
async def show(
    dataset_id: Id,
    parts: AppParts,
    caller: Reader,
    asked: Annotated[MapRequest, Query()],
    prefer: Prefer = None,
    seen: IfNoneMatch = None,
) -> Response:
    """The map of all networks measured so far; 202 with a job while it is being drawn.

    Networks keep the places that they have in the map before; `layout=fresh` gives all new ones.
    """
    look = partial(_look, parts, caller, dataset_id, asked)
    found = await run_in_threadpool(look)
    if found.job is not None:
        ended = await ended_job(parts, caller, found.job.id, seconds=seconds_in(prefer))
        found = found if ended is None else await run_in_threadpool(look)
    if found.map is None:
        assert found.job is not None
        location = {"Location": f"/v1/jobs/{found.job.id}"}
        return json_answer(JobView.of(found.job), status=202, headers=location)
    return await run_in_threadpool(_sent, parts, found.map, asked, seen)


@router.get("/{dataset_id}/snapshots", response_model=ListView[SnapshotView])
def index(
    dataset_id: Id,
    parts: AppParts,
    caller: Reader,
    page_size: PageSize = PAGE_SIZE,
    page_token: PageToken = None,
) -> Response:
    """All maps ever drawn of a dataset, newest first."""
    scope = [caller.project, "maps", dataset_id]
    with parts.zoo.transaction() as session:
        page = maps.snapshots(
            session,
            project=caller.project,
            dataset_id=dataset_id,
            after=parts.tokens.read(page_token, scope=scope),
            limit=page_size,
        )
    views = [SnapshotView.of(one) for one in page.items]
    token = parts.tokens.make(page.next_after, scope=scope)
    return json_answer(ListView[SnapshotView](items=views, next_page_token=token))


@router.get("/{dataset_id}/snapshots/{map_id}", response_model=MapView, responses=_FILES)
def snapshot(
    dataset_id: Id,
    map_id: Id,
    parts: AppParts,
    caller: Reader,
    asked: Annotated[MapForm, Query()],
    seen: IfNoneMatch = None,
) -> Response:
    """A map as it was drawn once, in any form."""
    with parts.zoo.transaction() as session:
        record = maps.snapshot(
            session, project=caller.project, dataset_id=dataset_id, map_id=map_id
        )
    return _sent(parts, record, asked, seen)


def _look(parts: Parts, caller: Caller, dataset_id: str, asked: MapRequest) -> MapOrJob:
    with parts.zoo.transaction() as session:
        found = maps.latest(session, project=caller.project, dataset_id=dataset_id, request=asked)
        if found.map is None:
            caller.require(Scope.JOBS)
        return found


def _sent(parts: Parts, record: MapRecord, form: MapForm, seen: str | None) -> Response:
    """A map as a file; a map never changes, so its id is its version."""
    etag = f'"{record.id}"'
    if known(etag, seen):
        return unchanged(etag)
    with parts.zoo.transaction() as session:
        file = map_files.file_of(session, record=record, form=form, blobs=parts.zoo.blobs)
    headers = {"ETag": etag, "X-Content-Type-Options": "nosniff"}
    if form.format is not MapFormat.JSON:
        headers["Content-Disposition"] = f'attachment; filename="{plain(file.name)}"'
    return StreamingResponse(file.chunks, headers=headers, media_type=file.media_type)
