"""/v1/maps: how all networks relate, seen through one probe set."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from service.core.operations.access.idempotency import StoredResponse
from service.core.operations.access.keys import Caller
from service.core.operations.maps import files, maps
from service.core.operations.maps.requests import MapForm, MapFormat, MapRequest, NewMapRequest
from service.core.operations.maps.snapshot_lookup import summary
from service.core.tables import JobRecord, MapRecord
from service.rest.dependencies import (
    PAGE_SIZE,
    AppParts,
    AppState,
    Id,
    IdempotencyKey,
    IfNoneMatch,
    PageSize,
    PageToken,
    Prefer,
    Reader,
    Submitter,
)
from service.rest.job_events import seconds_in
from service.rest.responses import json_answer, kept, known, once, plain, sent, unchanged
from service.rest.routes.jobs import succeeded_job
from service.views.jobs import JobView
from service.views.maps import MapSnapshotView, MapView
from service.views.paging import ListView

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


@router.post(
    "",
    status_code=201,
    response_model=MapSnapshotView,
    responses={202: {"model": JobView, "description": "The job that draws the map"}},
)
async def create(
    body: NewMapRequest,
    parts: AppParts,
    caller: Submitter,
    key: IdempotencyKey = None,
    prefer: Prefer = None,
) -> Response:
    """Draw the map of all networks measured so far: 201 when it was drawn before, else 202.

    Networks keep the places that they have in the map before; `layout` `fresh` gives all new ones.
    """
    request = ["POST /v1/maps", body.model_dump(mode="json")]
    work = partial(_created, caller, body)
    answer = await run_in_threadpool(
        partial(once, parts.zoo, caller, key=key, request=request, work=work)
    )
    ended = await succeeded_job(parts, caller, answer, seconds=seconds_in(prefer))
    if ended is None:
        return sent(answer)
    return sent(await run_in_threadpool(_drawn, parts, caller, body.dataset_id, ended))


def _created(caller: Caller, body: NewMapRequest, session: Session) -> StoredResponse:
    found = maps.create(session, project=caller.project, dataset_id=body.dataset_id, look=body)
    if found.map is not None:
        return _ready(found.map)
    assert found.job is not None
    headers = {"Location": f"/v1/jobs/{found.job.id}", "Zoo-Job": found.job.id}
    return kept(JobView.of(found.job), status=202, headers=headers)


def _drawn(parts: AppState, caller: Caller, dataset_id: str, job: JobRecord) -> StoredResponse:
    """The map that a job drew."""
    map_id = str((job.result or {})["map_id"])
    with parts.zoo.transaction() as session:
        record = maps.snapshot(
            session, project=caller.project, dataset_id=dataset_id, map_id=map_id
        )
    return _ready(record)


def _ready(record: MapRecord) -> StoredResponse:
    location = {"Location": f"/v1/maps/{record.dataset_id}/snapshots/{record.id}"}
    return kept(MapSnapshotView.of(summary(record)), status=201, headers=location)


@router.get("/{dataset_id}", response_model=MapView, responses=_FILES)
def show(
    dataset_id: Id,
    parts: AppParts,
    caller: Reader,
    asked: Annotated[MapRequest, Query()],
    seen: IfNoneMatch = None,
) -> Response:
    """The map of all networks measured so far; 404 `not_measured` names the POST that draws it."""
    with parts.zoo.transaction() as session:
        record = maps.drawn(
            session, project=caller.project, dataset_id=dataset_id, look=asked.look
        )
    return _sent(parts, record, asked, seen)


@router.get("/{dataset_id}/snapshots", response_model=ListView[MapSnapshotView])
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
    views = [MapSnapshotView.of(one) for one in page.items]
    token = parts.tokens.make(page.next_after, scope=scope)
    return json_answer(ListView[MapSnapshotView](items=views, next_page_token=token))


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


def _sent(parts: AppState, record: MapRecord, form: MapForm, seen: str | None) -> Response:
    """A map as a file; a map never changes, so its id is its version."""
    etag = f'"{record.id}"'
    if known(etag, seen):
        return unchanged(etag)
    with parts.zoo.transaction() as session:
        file = files.file_of(session, record=record, form=form, blobs=parts.zoo.blobs)
    headers = {"ETag": etag, "X-Content-Type-Options": "nosniff"}
    if form.format is not MapFormat.JSON:
        headers["Content-Disposition"] = f'attachment; filename="{plain(file.name)}"'
    return StreamingResponse(file.chunks, headers=headers, media_type=file.media_type)
