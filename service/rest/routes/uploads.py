"""/v1/uploads: resumable uploads."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from service.core.errors import FieldProblem, InvalidRequestError
from service.core.operations.access.idempotency import StoredResponse
from service.core.operations.zoo import uploads
from service.core.tables import UploadRecord
from service.rest.dependencies import AnyKey, AppStateDep, Id, IdempotencyKey, Reader, Writer
from service.rest.openapi import CONTENT_DIGEST
from service.rest.request_bodies import UNBOUNDED, media_type_of, receive_part, require_length
from service.rest.responses import json_response, respond_once, stored_response
from service.rest.scoped_route import ScopedRoute
from service.rest.tus import EXTENSIONS, VERSION, announced_by_headers, expiry_of, speaks_tus
from service.views.uploads import NewUploadView, UploadProgressView

router = APIRouter(prefix="/v1/uploads", tags=["uploads"], route_class=ScopedRoute)
_RAW = {"application/octet-stream", "application/offset+octet-stream", ""}
_PROGRESS: dict[int | str, dict[str, Any]] = {
    200: {
        "headers": {
            "Upload-Offset": {
                "description": "Offset of the next byte to send.",
                "required": True,
                "schema": {"type": "integer"},
            },
            "Upload-Length": {
                "description": "Size of the whole file in bytes.",
                "required": True,
                "schema": {"type": "integer"},
            },
            "Cache-Control": {
                "description": "Always `no-store`.",
                "schema": {"type": "string"},
            },
            "Upload-Expires": {
                "description": "When an unfinished upload is deleted.",
                "schema": {"type": "string"},
            },
        }
    }
}
UploadLength = Annotated[
    str | None, Header(alias="Upload-Length", description="Size in bytes, for clients of tus.")
]
UploadMetadata = Annotated[
    str | None,
    Header(
        alias="Upload-Metadata",
        description="`filename` and `sha256` in Base64, for clients of tus.",
    ),
]
TusResumable = Annotated[
    str | None, Header(alias="Tus-Resumable", description="`1.0.0`, for clients of tus.")
]
_BODY = {
    "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
}


@router.options("", status_code=204)
def options(app_state: AppStateDep, _caller: AnyKey) -> Response:
    """Describe what the zoo knows of tus 1.0: version, extensions and the largest size."""
    headers = {
        "Tus-Version": VERSION,
        "Tus-Resumable": VERSION,
        "Tus-Extension": EXTENSIONS,
        "Tus-Max-Size": str(app_state.upload_service.largest_bytes),
    }
    return Response(status_code=204, headers=headers)


@router.post("", status_code=201, response_model=UploadProgressView)
def announce(
    request: Request,
    app_state: AppStateDep,
    caller: Writer,
    body: NewUploadView | None = None,
    key: IdempotencyKey = None,
    _version: TusResumable = None,
    _length: UploadLength = None,
    _metadata: UploadMetadata = None,
) -> Response:
    """Start an upload; send the bytes with PATCH, then use its id to create a model or dataset.

    Clients of tus 1.0 send the headers `Tus-Resumable`, `Upload-Length` and `Upload-Metadata`
    (`filename`, `sha256`) instead of a body.
    """
    body = _announcement(request, body)
    app_state.upload_service.require_space(body.size)
    return respond_once(
        app_state.zoo,
        caller,
        key=key,
        request=["POST /v1/uploads", body.model_dump(mode="json")],
        work=lambda session: _announced(
            uploads.create(
                session,
                project=caller.project,
                size_bytes=body.size,
                filename=body.filename,
                expected_sha256=body.sha256,
            )
        ),
    )


def _announcement(request: Request, body: NewUploadView | None) -> NewUploadView:
    """What the body announces, or else the headers of tus. Raises InvalidRequestError."""
    if speaks_tus(request):
        return announced_by_headers(request.headers)
    if body is None:
        raise InvalidRequestError(
            "the request has no body",
            remedy="send the size of the file as JSON, or the headers of tus 1.0",
            errors=[FieldProblem("/body", "Field required")],
        )
    return body


def _announced(record: UploadRecord) -> StoredResponse:
    view = UploadProgressView.of(record)
    headers = {"Location": f"/v1/uploads/{view.id}", **expiry_of(record)}
    return stored_response(view, status=201, headers=headers)


@router.get("/{upload_id}", response_model=UploadProgressView, responses=_PROGRESS)
def show(upload_id: Id, app_state: AppStateDep, caller: Reader) -> Response:
    """Get the progress of an upload; HEAD returns the offset of the next byte in Upload-Offset."""
    record = app_state.upload_service.state(project=caller.project, upload_id=upload_id)
    return json_response(UploadProgressView.of(record), headers=_offset(record))


def _offset(record: UploadRecord) -> dict[str, str]:
    return {
        "Upload-Offset": str(record.offset_bytes),
        "Upload-Length": str(record.size_bytes),
        "Cache-Control": "no-store",
        **expiry_of(record),
    }


@router.patch(
    "/{upload_id}",
    response_model=UploadProgressView,
    responses={**_PROGRESS, 204: {"description": "Appended, for clients of tus"}},
    openapi_extra={
        "requestBody": {"required": True, **_BODY},
        "parameters": [CONTENT_DIGEST],
    },
    max_body_size=UNBOUNDED,
)
async def append(
    upload_id: Id,
    request: Request,
    app_state: AppStateDep,
    caller: Writer,
    upload_offset: Annotated[
        int, Header(ge=0, lt=2**62, description="Offset of the first byte in this body.")
    ],
    _version: TusResumable = None,
) -> Response:
    """Append bytes. Bytes that arrive before the connection breaks are kept.

    A body that does not have the SHA-256 or SHA-512 of its `Content-Digest` is not appended.
    Clients of tus 1.0 get 204 without a body.
    """
    tus = speaks_tus(request)
    if media_type_of(request.headers) not in _RAW:
        raise InvalidRequestError(
            "the body must be bytes of type application/octet-stream",
            code="invalid_media_type",
            remedy="send Content-Type: application/octet-stream, or application/offset+octet-stream"
            " as clients of tus do",
        )
    part = await run_in_threadpool(
        app_state.upload_service.open_part,
        project=caller.project,
        upload_id=upload_id,
        offset=upload_offset,
    )
    try:
        require_length(request, limit=part.upload.size_bytes - upload_offset)
        await receive_part(request, app_state.upload_service, part)
    except InvalidRequestError:
        await run_in_threadpool(app_state.upload_service.discard_part, part, offset=upload_offset)
        raise
    except BaseException:
        await run_in_threadpool(app_state.upload_service.close_part, part)
        raise
    record = await run_in_threadpool(app_state.upload_service.close_part, part)
    if tus:
        return Response(status_code=204, headers=_offset(record))
    return json_response(UploadProgressView.of(record), headers=_offset(record))
