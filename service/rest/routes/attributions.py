"""/v1/attributions and /v1/models/{id}/attributions: attribution heat maps of networks on images."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query
from sqlalchemy.orm import Session
from starlette.responses import Response

from service.core.operations.access.idempotency import StoredResponse
from service.core.operations.heat_map_requests import (
    HeatMapLook,
    HeatMapRequest,
    ModelHeatMapRequest,
)
from service.core.operations.jobs import jobs
from service.core.operations.measurements import heat_maps
from service.core.tables import JobRecord, JobState
from service.rest.creation import JOB_HEADER, create_and_wait
from service.rest.dependencies import (
    AppZoo,
    DatasetId,
    IfNoneMatch,
    ModelId,
    Position,
    Reader,
    Submission,
    SubmissionDep,
)
from service.rest.openapi import body_of
from service.rest.responses import etag_matches, not_modified, stored_response
from service.rest.scoped_route import ScopedRoute
from service.views.jobs import JobView

router = APIRouter(prefix="/v1", tags=["attributions"], route_class=ScopedRoute)
_ACCEPTED: dict[int | str, dict[str, Any]] = {
    202: {"model": JobView, "description": "The job that computes the heat maps"}
}


@router.post("/attributions", status_code=201, response_model=JobView, responses=_ACCEPTED)
async def create(body: HeatMapRequest, submission: SubmissionDep) -> Response:
    """Compute heat maps of several models on several images in one job.

    Returns 201 if an equal job has succeeded, otherwise 202. The artifacts of the job are every
    heat map, `sheet.png` (models as rows, images as columns) and `heat-maps.zip`. You can also
    get each heat map at `GET /v1/models/{model_id}/attributions/{dataset_id}/{index}.png`.
    """
    request = ["POST /v1/attributions", body.model_dump(mode="json")]
    return await _submitted(submission, request, partial(heat_maps.create, request=body))


@router.post(
    "/models/{model_id}/attributions",
    status_code=201,
    response_model=JobView,
    responses=_ACCEPTED,
)
async def create_for_model(
    model_id: ModelId, body: ModelHeatMapRequest, submission: SubmissionDep
) -> Response:
    """Compute heat maps of one model on several images, like `POST /v1/attributions`."""
    request = ["POST attributions", model_id, body.model_dump(mode="json")]
    create = partial(heat_maps.create_for_model, model_id=model_id, request=body)
    return await _submitted(submission, request, create)


async def _submitted(
    submission: Submission, request: list[Any], create: Callable[..., JobRecord]
) -> Response:
    def work(session: Session) -> StoredResponse:
        return _job_response(create(session, project=submission.caller.project))

    return await create_and_wait(submission, request, work=work, read=_after_waiting)


def _after_waiting(job: JobRecord, _pending: StoredResponse) -> StoredResponse:
    """The job that computed the heat maps. Raises MethodError if it did not succeed."""
    jobs.require_success(job)
    return _job_response(job)


def _job_response(job: JobRecord) -> StoredResponse:
    headers = {"Location": f"/v1/jobs/{job.id}"}
    if job.state == JobState.SUCCEEDED:
        return stored_response(JobView.of(job), status=201, headers=headers)
    return stored_response(JobView.of(job), status=202, headers={**headers, JOB_HEADER: job.id})


@router.get(
    "/models/{model_id}/attributions/{dataset_id}/{index}.png",
    response_class=Response,
    responses=body_of("image/png", headers=["Cache-Control"]),
)
def heat_map(
    model_id: ModelId,
    dataset_id: DatasetId,
    index: Position,
    zoo: AppZoo,
    caller: Reader,
    look: Annotated[HeatMapLook, Query()],
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Get the heat map of a model on an image; 404 `not_measured` names the POST that computes it."""
    with zoo.transaction() as session:
        picture = heat_maps.picture(
            session,
            project=caller.project,
            model_id=model_id,
            dataset_id=dataset_id,
            position=index,
            look=look,
        )
    etag = f'"{picture.sha256}"'
    if etag_matches(etag, if_none_match):
        return not_modified(etag)
    data = b"".join(zoo.blobs.read(picture.sha256))
    headers = {"ETag": etag, "Cache-Control": "private, max-age=86400"}
    return Response(data, headers=headers, media_type="image/png")
