"""/v1/jobs and what jobs leave behind: events and artifacts."""

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
from service.core.operations.access.idempotency import StoredResponse
from service.core.operations.access.keys import Caller
from service.core.operations.jobs import artifacts, jobs
from service.core.operations.jobs.requests import JobRequest, submit_request
from service.core.tables import JobEventRecord, JobRecord, JobState
from service.core.tracing import current_trace_id
from service.rest.dependencies import (
    PAGE_SIZE,
    AppParts,
    AppState,
    AppZoo,
    Id,
    IdempotencyKey,
    IfNoneMatch,
    PageSize,
    PageToken,
    Prefer,
    Reader,
    Submitter,
)
from service.rest.job_events import next_events, seconds_in, until
from service.rest.responses import (
    file_answer,
    json_answer,
    kept,
    known,
    once,
    posted,
    sent,
    unchanged,
)
from service.views.jobs import ArtifactView, JobEventView, JobView
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
    parts: AppParts,
    caller: Submitter,
    key: IdempotencyKey = None,
    prefer: Prefer = None,
) -> Response:
    """Run a method, as `GET /v1/methods/{name}` describes it.

    `Prefer: wait=10` answers when the job has ended, or after ten seconds.
    """
    request = ["POST /v1/jobs", body.model_dump(mode="json")]
    work = partial(_submitted, caller, body)
    answer = await run_in_threadpool(
        partial(once, parts.zoo, caller, key=key, request=request, work=work)
    )
    job_id = answer.headers["Location"].rpartition("/")[2]
    ended = await ended_job(parts, caller, job_id, seconds=seconds_in(prefer))
    if ended is None:
        return sent(answer)
    return json_answer(JobView.of(ended), status=202, headers=answer.headers)


def _submitted(caller: Caller, body: JobRequest, session: Session) -> StoredResponse:
    job = submit_request(
        session, project=caller.project, request=body, trace_id=current_trace_id()
    )
    return kept(JobView.of(job), status=202, headers={"Location": f"/v1/jobs/{job.id}"})


async def ended_job(
    parts: AppState, caller: Caller, job_id: str, *, seconds: float
) -> JobRecord | None:
    """The job, once it has ended; None if it has not after ``seconds``."""
    if seconds <= 0:
        return None

    def look() -> JobRecord | None:
        job = _job(parts.zoo, caller, job_id)
        return job if jobs.is_final(job) else None

    return await until(parts.listener, job_id, seconds=seconds, look=look)


async def succeeded_job(
    parts: AppState, caller: Caller, answer: StoredResponse, *, seconds: float
) -> JobRecord | None:
    """The job that an answer names, once it has succeeded; None if it has not after ``seconds``.

    Raises:
        MethodError: It failed or was cancelled; the code is that of its own error.
    """
    job_id = answer.headers.get("Zoo-Job")
    ended = None if job_id is None else await ended_job(parts, caller, job_id, seconds=seconds)
    if ended is not None:
        jobs.require_success(ended)
    return ended


def _job(zoo: Zoo, caller: Caller, job_id: str) -> JobRecord:
    with zoo.transaction() as session:
        return jobs.get(session, project=caller.project, job_id=job_id)


@router.get("/jobs", response_model=ListView[JobView])
def index(
    parts: AppParts,
    caller: Reader,
    state: JobState | None = None,
    method: Annotated[str | None, Query(max_length=100, pattern=r"^[a-z_]+$")] = None,
    page_size: PageSize = PAGE_SIZE,
    page_token: PageToken = None,
) -> Response:
    """The jobs of the project, newest first."""
    scope = [caller.project, "jobs", state, method]
    with parts.zoo.transaction() as session:
        page = jobs.page(
            session,
            project=caller.project,
            state=state,
            method=method,
            after=parts.tokens.read(page_token, scope=scope),
            limit=page_size,
        )
    token = parts.tokens.make(page.next_after, scope=scope)
    views = [JobView.of(job) for job in page.items]
    return json_answer(ListView[JobView](items=views, next_page_token=token))


@router.get("/jobs/{job_id}", response_model=JobView)
async def show(job_id: Id, parts: AppParts, caller: Reader, prefer: Prefer = None) -> Response:
    """One job. `Prefer: wait=10` answers when it has ended, or after ten seconds."""
    job = await run_in_threadpool(_job, parts.zoo, caller, job_id)
    ended = await ended_job(parts, caller, job_id, seconds=seconds_in(prefer))
    if ended is None and seconds_in(prefer):
        job = await run_in_threadpool(_job, parts.zoo, caller, job_id)
    return json_answer(JobView.of(ended or job))


@router.post("/jobs/{job_id}:cancel", response_model=JobView)
def cancel(job_id: Id, zoo: AppZoo, caller: Submitter, key: IdempotencyKey = None) -> Response:
    """Stop a job: a queued one at once, a running one in seconds; its last checkpoint is kept."""

    def work(session: Session) -> StoredResponse:
        job = jobs.cancel(session, project=caller.project, job_id=job_id)
        return kept(JobView.of(job), status=200)

    return posted(zoo, caller, key=key, request=["cancel", job_id], work=work)


@router.post("/jobs/{job_id}:retry", response_model=JobView)
def retry(job_id: Id, zoo: AppZoo, caller: Submitter, key: IdempotencyKey = None) -> Response:
    """Queue a failed or cancelled job again. A training goes on from its last checkpoint."""

    def work(session: Session) -> StoredResponse:
        job = jobs.retry(session, project=caller.project, job_id=job_id)
        return kept(JobView.of(job), status=200)

    return posted(zoo, caller, key=key, request=["retry", job_id], work=work)


async def _existing_job(job_id: Id, parts: AppParts, caller: Reader) -> str:
    """The id of a job of the caller's project; checked before any event is sent."""
    await run_in_threadpool(_job, parts.zoo, caller, job_id)
    return job_id


@router.get(
    "/jobs/{job_id}/events", response_class=EventSourceResponse, openapi_extra=_EVENT_STREAM
)
async def events(
    job_id: Annotated[str, Depends(_existing_job)],
    parts: AppParts,
    caller: Reader,
    last_event_id: Annotated[
        int, Header(ge=0, lt=2**62, description="resume behind this event")
    ] = 0,
) -> AsyncIterator[ServerSentEvent]:
    """The events of a job as they happen, until it has ended; `id` is the event's `seq`."""
    seq = last_event_id
    with next_events(parts.listener, job_id) as next_event:
        while True:
            found, final = await run_in_threadpool(_news, parts.zoo, caller, job_id, seq)
            for event in found:
                seq = event.seq
                yield _sse(event)
            if final and not found:
                return
            if not found:
                await next_event(math.inf)


def _sse(event: JobEventRecord) -> ServerSentEvent:
    view = JobEventView.of(event)
    return ServerSentEvent(raw_data=view.model_dump_json(), event=view.type, id=str(view.seq))


def _news(zoo: Zoo, caller: Caller, job_id: str, seq: int) -> tuple[list[JobEventRecord], bool]:
    """Events behind ``seq``, and whether the job has ended."""
    with zoo.transaction() as session:
        final = jobs.is_final(jobs.get(session, project=caller.project, job_id=job_id))
        found = jobs.events_after(session, job_id=job_id, seq=seq, limit=_EVENTS_AT_ONCE)
        return list(found), final


@router.get("/jobs/{job_id}/artifacts", response_model=ListView[ArtifactView])
def job_artifacts(job_id: Id, zoo: AppZoo, caller: Reader) -> Response:
    """The files a job produced."""
    with zoo.transaction() as session:
        found = jobs.artifacts(session, project=caller.project, job_id=job_id)
    views = [ArtifactView.of(record) for record in found]
    return json_answer(ListView[ArtifactView](items=views))


@router.get("/artifacts/{artifact_id}", response_model=ArtifactView, tags=["artifacts"])
def artifact(artifact_id: Id, zoo: AppZoo, caller: Reader) -> Response:
    """One file that a job produced."""
    with zoo.transaction() as session:
        record = artifacts.get(session, project=caller.project, artifact_id=artifact_id)
    return json_answer(ArtifactView.of(record))


@router.get("/artifacts/{artifact_id}/content", response_class=Response, tags=["artifacts"])
def artifact_content(
    artifact_id: Id, zoo: AppZoo, caller: Reader, seen: IfNoneMatch = None
) -> Response:
    """The bytes of a file that a job produced."""
    with zoo.transaction() as session:
        record = artifacts.get(session, project=caller.project, artifact_id=artifact_id)
    if known(f'"{record.sha256}"', seen):
        return unchanged(f'"{record.sha256}"')
    return file_answer(
        zoo.blobs.read(record.sha256),
        media_type=record.media_type,
        size_bytes=record.size_bytes,
        sha256=record.sha256,
        filename=record.name,
    )
