"""POSTs that create something: at once, through a job to wait for, or from an upload."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from fastapi import Request
from pydantic import BaseModel
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from service.core.operations import owned_rows
from service.core.operations.access.idempotency import StoredResponse
from service.core.operations.access.keys import Caller
from service.core.operations.jobs import jobs
from service.core.operations.zoo import uploads
from service.core.tables import JobRecord
from service.rest.dependencies import AppState
from service.rest.forms import Form, FormReader, flatten_manifest, is_form, json_body
from service.rest.job_events import seconds_in, until
from service.rest.responses import once, respond_once, to_response
from service.views.validation import validated

JOB_HEADER = "Zoo-Job"
"""Names the job that a pending response waits for."""

M = TypeVar("M", bound=BaseModel)


async def create_and_wait(
    app_state: AppState,
    caller: Caller,
    *,
    key: str | None,
    prefer: str | None,
    request: Any,
    work: Callable[[Session], StoredResponse],
    read: Callable[[JobRecord, StoredResponse], StoredResponse],
) -> Response:
    """The response of ``work``; that of ``read`` if its job finishes within the wait of ``Prefer``.

    Args:
        key: The Idempotency-Key.
        prefer: The ``Prefer`` header.
        request: The JSON values that determine the result.
        work: Creates the thing; its response names a job in ``Zoo-Job`` while it is pending.
        read: The response after the job, from the finished job and the response of ``work``.
    """
    submit = partial(once, app_state.zoo, caller, key=key, request=request, work=work)
    pending = await run_in_threadpool(submit)
    job_id = pending.headers.get(JOB_HEADER)
    if job_id is None:
        return to_response(pending)
    job = await finished_job(app_state, caller, job_id, seconds=seconds_in(prefer))
    if job is None:
        return to_response(pending)
    return to_response(await run_in_threadpool(read, job, pending))


def created_id(response: StoredResponse) -> str:
    """The id of the thing that a stored response describes."""
    return str(json.loads(response.body)["id"])


def job_of(app_state: AppState, caller: Caller, job_id: str) -> JobRecord:
    """The job as it is now."""
    with app_state.zoo.transaction() as session:
        return owned_rows.get(session, JobRecord, project=caller.project, id=job_id)


async def finished_job(
    app_state: AppState, caller: Caller, job_id: str, *, seconds: float
) -> JobRecord | None:
    """The job once it has finished; None if it has not after ``seconds``."""
    if seconds <= 0:
        return None

    def look() -> JobRecord | None:
        job = job_of(app_state, caller, job_id)
        return job if jobs.is_final(job) else None

    return await until(app_state.listener, job_id, seconds=seconds, look=look)


@dataclass(frozen=True)
class UploadKind(Generic[M]):
    """What a POST creates from an uploaded file.

    Attributes:
        path: Path of the POST.
        body: Shape of a JSON body, which holds an ``upload_id`` and a ``manifest``.
        manifest: Shape of the ``manifest`` field of a form.
        create: Creates the thing from its manifest and the id of a finished upload.
    """

    path: str
    body: type[BaseModel]
    manifest: type[M]
    create: Callable[[AppState, Session, Caller, M, str], StoredResponse]


@dataclass(frozen=True)
class _Source(Generic[M]):
    """The manifest, where the upload is, and the JSON values that determine the result."""

    manifest: M
    upload_id: Callable[[Session], str]
    identity: list[Any]


async def create_from_upload(
    request: Request,
    app_state: AppState,
    caller: Caller,
    *,
    key: str | None,
    kind: UploadKind[M],
    most_bytes: int,
) -> Response:
    """The response of ``kind.create``, for JSON with an ``upload_id`` or for a form with the file."""
    if is_form(request):
        reader = FormReader(request, app_state.upload_service, limit=most_bytes)
        source = _form_source(kind, caller, await reader.read())
    else:
        limit = app_state.zoo.settings.max_json_bytes
        source = _body_source(kind, flatten_manifest(await json_body(request, limit=limit)))

    def work(session: Session) -> StoredResponse:
        return kind.create(app_state, session, caller, source.manifest, source.upload_id(session))

    identity = [f"POST {kind.path}", *source.identity]
    return await run_in_threadpool(
        partial(respond_once, app_state.zoo, caller, key=key, request=identity, work=work)
    )


def _form_source(kind: UploadKind[M], caller: Caller, form: Form) -> _Source[M]:
    manifest = validated(kind.manifest, form.manifest, where="manifest")

    def upload_id(session: Session) -> str:
        upload = uploads.completed(
            session, project=caller.project, filename=form.filename, received=form.received
        )
        return upload.id

    return _Source(manifest, upload_id, [manifest.model_dump(mode="json"), form.received.sha256])


def _body_source(kind: UploadKind[M], values: Any) -> _Source[M]:
    body: Any = validated(kind.body, values, where="body")
    return _Source(body.manifest, lambda _: str(body.upload_id), [body.model_dump(mode="json")])
