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

from service.container import Zoo
from service.core.operations.access.idempotency import StoredResponse
from service.core.operations.access.keys import Caller
from service.core.operations.jobs import jobs
from service.core.operations.zoo import uploads
from service.core.tables import JobRecord
from service.rest.dependencies import AppState, Submission
from service.rest.forms import (
    SLACK_BYTES,
    Form,
    FormReader,
    flatten_manifest,
    is_form,
    json_body,
)
from service.rest.job_events import seconds_in, until
from service.rest.request_bodies import announced_bytes
from service.rest.responses import once, respond_once, stored_response, to_response
from service.settings import Settings
from service.views.datasets import DatasetView
from service.views.models import ModelView
from service.views.validation import validated

JOB_HEADER = "Zoo-Job"
"""Names the job that a pending response waits for."""

M = TypeVar("M", bound=BaseModel)


async def create_and_wait(
    submission: Submission,
    request: Any,
    *,
    work: Callable[[Session], StoredResponse],
    read: Callable[[JobRecord, StoredResponse], StoredResponse],
) -> Response:
    """The response of ``work``; that of ``read`` if its job finishes within the wait of ``Prefer``.

    Args:
        submission: The caller and the headers of the POST.
        request: The JSON values that determine the result.
        work: Creates the thing; its response names a job in ``Zoo-Job`` while it is pending.
        read: The response after the job, from the finished job and the response of ``work``.
    """
    app_state, caller = submission.app_state, submission.caller
    submit = partial(once, app_state.zoo, caller, key=submission.key, request=request, work=work)
    pending = await run_in_threadpool(submit)
    job_id = pending.headers.get(JOB_HEADER)
    if job_id is None:
        return to_response(pending)
    job = await finished_job(app_state, caller, job_id, seconds=seconds_in(submission.prefer))
    if job is None:
        return to_response(pending)
    return to_response(await run_in_threadpool(read, job, pending))


def created_id(response: StoredResponse) -> str:
    """The id of the thing that a stored response describes."""
    return str(json.loads(response.body)["id"])


async def finished_job(
    app_state: AppState, caller: Caller, job_id: str, *, seconds: float
) -> JobRecord | None:
    """The job once it has finished; None if it has not after ``seconds``."""
    if seconds <= 0:
        return None

    def look() -> JobRecord | None:
        job = app_state.row(JobRecord, caller, job_id)
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
        most_bytes: Largest size of the file.
    """

    path: str
    body: type[BaseModel]
    manifest: type[M]
    create: Callable[[Zoo, Session, Caller, M, str], ModelView | DatasetView]
    most_bytes: Callable[[Settings], int]


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
) -> Response:
    """What ``kind.create`` makes, for JSON with an ``upload_id`` or for a form with the file."""
    zoo = app_state.zoo
    if is_form(request):
        limit = kind.most_bytes(zoo.settings)
        require_quota = partial(
            app_state.upload_service.require_quota,
            caller.project,
            size_bytes=max(1, announced_bytes(request) - SLACK_BYTES),
        )
        await run_in_threadpool(require_quota)
        reader = FormReader(request, app_state.upload_service, limit=limit)
        source = _form_source(kind, caller, await reader.read())
    else:
        source = _body_source(kind, flatten_manifest(await json_body(request)))

    def work(session: Session) -> StoredResponse:
        view = kind.create(zoo, session, caller, source.manifest, source.upload_id(session))
        headers = {"Location": f"{kind.path}/{view.id}", "ETag": view.etag}
        return stored_response(view, status=201, headers=headers)

    identity = [f"POST {kind.path}", *source.identity]
    return await run_in_threadpool(
        partial(respond_once, zoo, caller, key=key, request=identity, work=work)
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
