"""/v1/jobs, with the events and artifacts of jobs."""

import math
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from service.container import Zoo
from service.core.operations.access.idempotency import StoredResponse
from service.core.operations.access.keys import Caller
from service.core.operations.jobs import jobs
from service.core.operations.jobs.requests import JobRequest, submit_request
from service.core.tables import ArtifactRecord, JobEventRecord, JobRecord
from service.core.tracing import current_trace_id
from service.job_events import news
from service.key_watch import OpenStream
from service.rest.creation import JOB_HEADER, create_and_wait, finished_job
from service.rest.dependencies import (
    AppState,
    AppStateDep,
    AppZoo,
    Id,
    IdempotencyKey,
    IfNoneMatch,
    Prefer,
    Reader,
    SubmissionDep,
    Submitter,
)
from service.rest.event_streams import closing_event, stream_schema
from service.rest.job_events import next_events, seconds_in
from service.rest.json_route import LONG_LISTS
from service.rest.openapi import STORED_FILE
from service.rest.responses import (
    file_response,
    json_response,
    respond_once,
    stored_response,
)
from service.rest.scoped_route import ScopedRoute
from service.views.jobs import ArtifactView, JobEventView, JobQuery, JobView
from service.views.paging import CountedListView, ListView

_EVENT = 'id: 1\nevent: queued\ndata: {"seq": 1, "type": "queued"}\n\n'

router = APIRouter(prefix="/v1", tags=["jobs"], route_class=ScopedRoute)


@router.post("/jobs", status_code=202, response_model=JobView, max_body_size=LONG_LISTS)
async def submit(body: JobRequest, submission: SubmissionDep) -> Response:
    """Submit a job that runs a method; `GET /v1/methods/{name}` describes its inputs and parameters.

    `Prefer: wait=10` responds when the job has finished, or after ten seconds.
    """

    def read(job: JobRecord, pending: StoredResponse) -> StoredResponse:
        return stored_response(JobView.of(job), status=202, headers=pending.headers)

    return await create_and_wait(
        submission,
        ["POST /v1/jobs", body.model_dump(mode="json")],
        work=partial(_submitted, submission.caller, body),
        read=read,
    )


def _submitted(caller: Caller, body: JobRequest, session: Session) -> StoredResponse:
    job = submit_request(
        session, project=caller.project, request=body, trace_id=current_trace_id()
    )
    headers = {"Location": f"/v1/jobs/{job.id}", JOB_HEADER: job.id}
    return stored_response(JobView.of(job), status=202, headers=headers)


@router.get("/jobs", response_model=CountedListView[JobView])
def index(app_state: AppStateDep, caller: Reader, query: Annotated[JobQuery, Query()]) -> Response:
    """List the jobs of the project, newest first; `q` searches."""
    with app_state.zoo.transaction() as session:
        return json_response(query.page(session, app_state.tokens, project=caller.project))


@router.get("/jobs/{job_id}", response_model=JobView)
async def show(
    job_id: Id, app_state: AppStateDep, caller: Reader, prefer: Prefer = None
) -> Response:
    """Get a job. `Prefer: wait=10` responds when it has finished, or after ten seconds."""
    job = await run_in_threadpool(app_state.row, JobRecord, caller, job_id)
    ended = await finished_job(app_state, caller, job_id, seconds=seconds_in(prefer))
    if ended is None and seconds_in(prefer):
        job = await run_in_threadpool(app_state.row, JobRecord, caller, job_id)
    return json_response(JobView.of(ended or job))


@router.post("/jobs/{job_id}:cancel", response_model=JobView)
def cancel(job_id: Id, zoo: AppZoo, caller: Submitter, key: IdempotencyKey = None) -> Response:
    """Cancel a job: a queued one immediately, a running one within seconds; keeps its checkpoint."""
    return _changed(zoo, caller, key, job_id, change=jobs.cancel)


@router.post("/jobs/{job_id}:retry", response_model=JobView)
def retry(job_id: Id, zoo: AppZoo, caller: Submitter, key: IdempotencyKey = None) -> Response:
    """Retry a failed or cancelled job. A training resumes from its last checkpoint."""
    return _changed(zoo, caller, key, job_id, change=jobs.retry)


def _changed(
    zoo: Zoo, caller: Caller, key: str | None, job_id: str, *, change: Callable[..., JobRecord]
) -> Response:
    def work(session: Session) -> StoredResponse:
        job = change(session, project=caller.project, job_id=job_id)
        return stored_response(JobView.of(job), status=200)

    return respond_once(zoo, caller, key=key, request=[change.__name__, job_id], work=work)


async def _existing_job(job_id: Id, app_state: AppStateDep, caller: Reader) -> str:
    """The id of a job in the caller's project, checked before any event is sent."""
    await run_in_threadpool(app_state.row, JobRecord, caller, job_id)
    return job_id


@router.get(
    "/jobs/{job_id}/events",
    response_class=EventSourceResponse,
    openapi_extra=stream_schema("JobEventView", example=_EVENT),
)
async def events(
    job_id: Annotated[str, Depends(_existing_job)],
    request: Request,
    app_state: AppStateDep,
    caller: Reader,
    last_event_id: Annotated[
        int, Header(ge=0, lt=2**62, description="Resume after this event.")
    ] = 0,
) -> AsyncIterator[ServerSentEvent]:
    """Stream the events of a job until it has finished; `id` is the event's `seq`.

    When the stream cannot continue, for example because the key was revoked, its last event is of
    the type `error`; its data is a problem document.
    """
    try:
        with app_state.key_watch.stream(caller) as stream:
            async for event in _events(app_state, stream, caller, job_id, seq=last_event_id):
                yield event
    except Exception as error:
        last = closing_event(error, request)
        if last is None:
            raise
        yield last


async def _events(
    app_state: AppState, stream: OpenStream, caller: Caller, job_id: str, *, seq: int
) -> AsyncIterator[ServerSentEvent]:
    """The events of a job after ``seq`` until it has finished. Raises UnauthenticatedError."""
    with next_events(app_state.listener, job_id) as next_event:
        while True:
            stream.require_valid_key()
            read = partial(news, app_state.zoo, project=caller.project, job_id=job_id, seq=seq)
            new_events, final = await run_in_threadpool(read)
            for event in new_events:
                seq = event.seq
                yield _sse(event)
            if final and not new_events:
                return
            if not new_events:
                await next_event(math.inf)


def _sse(event: JobEventRecord) -> ServerSentEvent:
    view = JobEventView.of(event)
    return ServerSentEvent(raw_data=view.model_dump_json(), event=view.type, id=str(view.seq))


@router.get("/jobs/{job_id}/artifacts", response_model=ListView[ArtifactView])
def job_artifacts(job_id: Id, zoo: AppZoo, caller: Reader) -> Response:
    """List the artifacts of a job."""
    with zoo.transaction() as session:
        records = jobs.artifacts(session, project=caller.project, job_id=job_id)
    views = [ArtifactView.of(record) for record in records]
    return json_response(ListView[ArtifactView](items=views))


@router.get("/artifacts/{artifact_id}", response_model=ArtifactView, tags=["artifacts"])
def artifact(artifact_id: Id, app_state: AppStateDep, caller: Reader) -> Response:
    """Get an artifact's metadata."""
    record = app_state.row(ArtifactRecord, caller, artifact_id)
    return json_response(ArtifactView.of(record))


@router.get(
    "/artifacts/{artifact_id}/content",
    response_class=Response,
    responses=STORED_FILE,
    tags=["artifacts"],
)
def artifact_content(
    artifact_id: Id, app_state: AppStateDep, caller: Reader, if_none_match: IfNoneMatch = None
) -> Response:
    """Download an artifact."""
    record = app_state.row(ArtifactRecord, caller, artifact_id)
    return file_response(
        app_state.zoo.blobs,
        if_none_match,
        media_type=record.media_type,
        size_bytes=record.size_bytes,
        sha256=record.sha256,
        filename=record.name,
    )
