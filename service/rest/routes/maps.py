"""/v1/maps: how all models relate on one probe set."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query
from sqlalchemy.orm import Session
from starlette.responses import Response

from service.core.file_names import content_disposition
from service.core.operations.access.idempotency import StoredResponse
from service.core.operations.access.keys import Caller
from service.core.operations.jobs import jobs
from service.core.operations.maps import files, maps
from service.core.operations.maps.requests import MapForm, MapFormat, MapRequest, NewMapRequest
from service.core.operations.maps.snapshot_lookup import summary
from service.core.tables import JobRecord, MapRecord
from service.rest.creation import JOB_HEADER, create_and_wait
from service.rest.dependencies import (
    AppState,
    AppStateDep,
    DatasetId,
    Id,
    IfNoneMatch,
    Reader,
    Submission,
    SubmissionDep,
)
from service.rest.openapi import body_of
from service.rest.responses import (
    ChunksResponse,
    etag_matches,
    json_response,
    not_modified,
    stored_response,
)
from service.rest.scoped_route import ScopedRoute
from service.views.jobs import JobView
from service.views.maps import MapSnapshotView, MapView, snapshots_page
from service.views.paging import ListView, PageQuery

router = APIRouter(prefix="/v1/maps", tags=["maps"], route_class=ScopedRoute)

_FILES = body_of(
    "application/json",
    "text/csv",
    "application/xml",
    "image/svg+xml",
    "image/png",
    "application/octet-stream",
    headers=["Content-Disposition"],
)


@router.post(
    "",
    status_code=201,
    response_model=MapSnapshotView,
    responses={202: {"model": JobView, "description": "The job that computes the map"}},
)
async def create(body: NewMapRequest, submission: SubmissionDep) -> Response:
    """Compute the map of all models measured so far: 201 if already computed, otherwise 202.

    Models keep their positions from the previous map; `layout` `fresh` computes new positions.
    """
    return await create_and_wait(
        submission,
        ["POST /v1/maps", body.model_dump(mode="json")],
        work=partial(_created, submission.caller, body),
        read=partial(_drawn, submission),
    )


def _created(caller: Caller, body: NewMapRequest, session: Session) -> StoredResponse:
    snapshot_or_job = maps.create(
        session, project=caller.project, dataset_id=body.dataset_id, look=body
    )
    if snapshot_or_job.map is not None:
        return _ready(snapshot_or_job.map)
    assert snapshot_or_job.job is not None
    headers = {
        "Location": f"/v1/jobs/{snapshot_or_job.job.id}",
        JOB_HEADER: snapshot_or_job.job.id,
    }
    return stored_response(JobView.of(snapshot_or_job.job), status=202, headers=headers)


def _drawn(submission: Submission, job: JobRecord, _pending: StoredResponse) -> StoredResponse:
    """The map that a job computed. Raises MethodError if the job did not succeed."""
    jobs.require_success(job)
    map_id, dataset_id = str((job.result or {})["map_id"]), str(job.inputs["dataset_id"])
    with submission.app_state.zoo.transaction() as session:
        record = maps.snapshot(
            session, project=submission.caller.project, dataset_id=dataset_id, map_id=map_id
        )
    return _ready(record)


def _ready(record: MapRecord) -> StoredResponse:
    location = {"Location": f"/v1/maps/{record.dataset_id}/snapshots/{record.id}"}
    return stored_response(MapSnapshotView.of(summary(record)), status=201, headers=location)


@router.get("/{dataset_id}", response_model=MapView, responses=_FILES)
def show(
    dataset_id: DatasetId,
    app_state: AppStateDep,
    caller: Reader,
    query: Annotated[MapRequest, Query()],
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Get the map of all models measured so far; 404 `not_measured` names the POST to compute it."""
    with app_state.zoo.transaction() as session:
        record = maps.drawn(
            session, project=caller.project, dataset_id=dataset_id, look=query.look
        )
    return _map_response(app_state, record, query, if_none_match)


@router.get("/{dataset_id}/snapshots", response_model=ListView[MapSnapshotView])
def index(
    dataset_id: DatasetId,
    app_state: AppStateDep,
    caller: Reader,
    query: Annotated[PageQuery, Query()],
) -> Response:
    """List all computed maps of a dataset, newest first."""
    with app_state.zoo.transaction() as session:
        view = snapshots_page(
            session, app_state.tokens, query, project=caller.project, dataset_id=dataset_id
        )
    return json_response(view)


@router.get("/{dataset_id}/snapshots/{map_id}", response_model=MapView, responses=_FILES)
def snapshot(
    dataset_id: DatasetId,
    map_id: Id,
    app_state: AppStateDep,
    caller: Reader,
    query: Annotated[MapForm, Query()],
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Get an earlier map in any format."""
    with app_state.zoo.transaction() as session:
        record = maps.snapshot(
            session, project=caller.project, dataset_id=dataset_id, map_id=map_id
        )
    return _map_response(app_state, record, query, if_none_match)


def _map_response(
    app_state: AppState, record: MapRecord, form: MapForm, if_none_match: str | None
) -> Response:
    """The map as a file; a map never changes, so its id is its ETag."""
    etag = f'"{record.id}"'
    if etag_matches(etag, if_none_match):
        return not_modified(etag)
    with app_state.zoo.transaction() as session:
        file = files.file_of(session, record=record, form=form, blobs=app_state.zoo.blobs)
    headers = {"ETag": etag, "X-Content-Type-Options": "nosniff"}
    if form.format is not MapFormat.JSON:
        headers["Content-Disposition"] = content_disposition(file.name)
    return ChunksResponse(file.chunks, headers=headers, media_type=file.media_type)
