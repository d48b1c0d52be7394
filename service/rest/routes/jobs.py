"""/v1/jobs, with the events and artifacts of jobs."""

import math
from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query
from fastapi.sse import EventSourceResponse, ServerSentEvent
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from service.container import Zoo
from service.core.operations import owned_rows
from service.core.operations.access.idempotency import StoredResponse
from service.core.operations.access.keys import Caller
from service.core.operations.jobs import jobs
from service.core.operations.jobs.requests import JobRequest, submit_request
from service.core.tables import ArtifactRecord, JobEventRecord, JobRecord
from service.core.tracing import current_trace_id
from service.rest.creation import JOB_HEADER, create_and_wait, finished_job, job_of
from service.rest.dependencies import (
    AppStateDep,
    AppZoo,
    Id,
    IdempotencyKey,
    IfNoneMatch,
    Prefer,
    Reader,
    Submitter,
)
from service.rest.job_events import next_events, seconds_in
from service.rest.responses import (
    etag_matches,
    file_response,
    json_response,
    not_modified,
    respond_once,
    stored_response,
)
from service.views.jobs import ArtifactView, JobEventView, JobQuery, JobView
from service.views.paging import ListView

router = APIRouter(prefix="/v1", tags=["jobs"])
_EVENTS_AT_ONCE = 500
_EVENT_DATA = {
    "contentMediaType": "application/json",
    "contentSchema": {"$ref": "#/components/schemas/JobEventView"},
}
_EVENT_SCHEMA = {"itemSchema": {"properties": {"data": _EVENT_DATA}}}
_EVENT_STREAM = {"responses": {"200": {"content": {"text/event-stream": _EVENT_SCHEMA}}}}


@router.post("/jobs", status_code=202, response_model=JobView)
async def submit(
    body: JobRequest,
    app_state: AppStateDep,
    caller: Submitter,
    key: IdempotencyKey = None,
    prefer: Prefer = None,
) -> Response:
    """Submit a job that runs a method; `GET /v1/methods/{name}` describes its inputs and parameters.

    `Prefer: wait=10` responds when the job has finished, or after ten seconds.
    """

    def read(job: JobRecord, pending: StoredResponse) -> StoredResponse:
        return stored_response(JobView.of(job), status=202, headers=pending.headers)

    return await create_and_wait(
        app_state,
        caller,
        key=key,
        prefer=prefer,
        request=["POST /v1/jobs", body.model_dump(mode="json")],
        work=partial(_submitted, caller, body),
        read=read,
    )


def _submitted(caller: Caller, body: JobRequest, session: Session) -> StoredResponse:
    job = submit_request(
        session, project=caller.project, request=body, trace_id=current_trace_id()
    )
    headers = {"Location": f"/v1/jobs/{job.id}", JOB_HEADER: job.id}
    return stored_response(JobView.of(job), status=202, headers=headers)


@router.get("/jobs", response_model=ListView[JobView])
def index(app_state: AppStateDep, caller: Reader, query: Annotated[JobQuery, Query()]) -> Response:
    """List the jobs of the project, newest first."""
    with app_state.zoo.transaction() as session:
        return json_response(query.page(session, app_state.tokens, project=caller.project))


@router.get("/jobs/{job_id}", response_model=JobView)
async def show(
    job_id: Id, app_state: AppStateDep, caller: Reader, prefer: Prefer = None
) -> Response:
    """Get a job. `Prefer: wait=10` responds when it has finished, or after ten seconds."""
    job = await run_in_threadpool(job_of, app_state, caller, job_id)
    ended = await finished_job(app_state, caller, job_id, seconds=seconds_in(prefer))
    if ended is None and seconds_in(prefer):
        job = await run_in_threadpool(job_of, app_state, caller, job_id)
    return json_response(JobView.of(ended or job))


@router.post("/jobs/{job_id}:cancel", response_model=JobView)
def cancel(job_id: Id, zoo: AppZoo, caller: Submitter, key: IdempotencyKey = None) -> Response:
    """Cancel a job: a queued one immediately, a running one within seconds; keeps its checkpoint."""

    def work(session: Session) -> StoredResponse:
        job = jobs.cancel(session, project=caller.project, job_id=job_id)
        return stored_response(JobView.of(job), status=200)

    return respond_once(zoo, caller, key=key, request=["cancel", job_id], work=work)


@router.post("/jobs/{job_id}:retry", response_model=JobView)
def retry(job_id: Id, zoo: AppZoo, caller: Submitter, key: IdempotencyKey = None) -> Response:
    """Retry a failed or cancelled job. A training resumes from its last checkpoint."""

    def work(session: Session) -> StoredResponse:
        job = jobs.retry(session, project=caller.project, job_id=job_id)
        return stored_response(JobView.of(job), status=200)

    return respond_once(zoo, caller, key=key, request=["retry", job_id], work=work)


async def _existing_job(job_id: Id, app_state: AppStateDep, caller: Reader) -> str:
    """The id of a job in the caller's project, checked before any event is sent."""
    await run_in_threadpool(job_of, app_state, caller, job_id)
    return job_id


@router.get(
    "/jobs/{job_id}/events", response_class=EventSourceResponse, openapi_extra=_EVENT_STREAM
)
async def events(
    job_id: Annotated[str, Depends(_existing_job)],
    app_state: AppStateDep,
    caller: Reader,
    last_event_id: Annotated[
        int, Header(ge=0, lt=2**62, description="Resume after this event.")
    ] = 0,
) -> AsyncIterator[ServerSentEvent]:
    """Stream the events of a job until it has finished; `id` is the event's `seq`."""
    seq = last_event_id
    with next_events(app_state.listener, job_id) as next_event:
        while True:
            new_events, final = await run_in_threadpool(
                _new_events, app_state.zoo, caller, job_id, seq
            )
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


def _new_events(
    zoo: Zoo, caller: Caller, job_id: str, seq: int
) -> tuple[list[JobEventRecord], bool]:
    """Events after ``seq``, and whether the job has finished."""
    with zoo.transaction() as session:
        final = jobs.is_final(
            owned_rows.get(session, JobRecord, project=caller.project, id=job_id)
        )
        events = jobs.events_after(session, job_id=job_id, seq=seq, limit=_EVENTS_AT_ONCE)
        return list(events), final


@router.get("/jobs/{job_id}/artifacts", response_model=ListView[ArtifactView])
def job_artifacts(job_id: Id, zoo: AppZoo, caller: Reader) -> Response:
    """List the artifacts of a job."""
    with zoo.transaction() as session:
        records = jobs.artifacts(session, project=caller.project, job_id=job_id)
    views = [ArtifactView.of(record) for record in records]
    return json_response(ListView[ArtifactView](items=views))


@router.get("/artifacts/{artifact_id}", response_model=ArtifactView, tags=["artifacts"])
def artifact(artifact_id: Id, zoo: AppZoo, caller: Reader) -> Response:
    """Get an artifact's metadata."""
    with zoo.transaction() as session:
        record = owned_rows.get(session, ArtifactRecord, project=caller.project, id=artifact_id)
    return json_response(ArtifactView.of(record))


@router.get("/artifacts/{artifact_id}/content", response_class=Response, tags=["artifacts"])
def artifact_content(
    artifact_id: Id, zoo: AppZoo, caller: Reader, if_none_match: IfNoneMatch = None
) -> Response:
    """Download an artifact."""
    with zoo.transaction() as session:
        record = owned_rows.get(session, ArtifactRecord, project=caller.project, id=artifact_id)
    if etag_matches(f'"{record.sha256}"', if_none_match):
        return not_modified(f'"{record.sha256}"')
    return file_response(
        zoo.blobs.read(record.sha256),
        media_type=record.media_type,
        size_bytes=record.size_bytes,
        sha256=record.sha256,
        filename=record.name,
    )
