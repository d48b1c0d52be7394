"""/v1/uploads: resumable uploads."""

from typing import Annotated

from fastapi import APIRouter, Header, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from service.core.errors import InvalidRequestError
from service.core.operations.access.idempotency import StoredResponse
from service.core.operations.zoo import uploads
from service.core.tables import UploadRecord
from service.rest.dependencies import AppStateDep, Id, IdempotencyKey, Reader, Writer
from service.rest.request_bodies import UNBOUNDED, media_type_of, receive_part, require_length
from service.rest.responses import json_response, respond_once, stored_response
from service.views.uploads import NewUploadView, UploadView

router = APIRouter(prefix="/v1/uploads", tags=["uploads"])
_RAW = {"application/octet-stream", "application/offset+octet-stream", ""}
_BODY = {
    "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
}


@router.post("", status_code=201, response_model=UploadView)
def announce(
    body: NewUploadView, app_state: AppStateDep, caller: Writer, key: IdempotencyKey = None
) -> Response:
    """Start an upload; send the bytes with PATCH, then use its id to create a model or dataset."""
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


def _announced(record: UploadRecord) -> StoredResponse:
    view = UploadView.of(record)
    return stored_response(view, status=201, headers={"Location": f"/v1/uploads/{view.id}"})


@router.get("/{upload_id}", response_model=UploadView)
def show(upload_id: Id, app_state: AppStateDep, caller: Reader) -> Response:
    """Get the progress of an upload."""
    record = app_state.upload_service.state(project=caller.project, upload_id=upload_id)
    return json_response(UploadView.of(record), headers=_offset(record))


@router.head("/{upload_id}", status_code=200)
def offset(upload_id: Id, app_state: AppStateDep, caller: Reader) -> Response:
    """Get the offset of the next byte in the header Upload-Offset."""
    record = app_state.upload_service.state(project=caller.project, upload_id=upload_id)
    return Response(headers=_offset(record))


def _offset(record: UploadRecord) -> dict[str, str]:
    return {
        "Upload-Offset": str(record.offset_bytes),
        "Upload-Length": str(record.size_bytes),
        "Cache-Control": "no-store",
    }


@router.patch(
    "/{upload_id}",
    response_model=UploadView,
    openapi_extra={"requestBody": {"required": True, **_BODY}},
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
) -> Response:
    """Append bytes. Bytes that arrive before the connection breaks are kept."""
    if media_type_of(request.headers) not in _RAW:
        raise InvalidRequestError(
            "the body must be bytes of type application/octet-stream", code="invalid_media_type"
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
    except BaseException:
        await run_in_threadpool(app_state.upload_service.close_part, part)
        raise
    record = await run_in_threadpool(app_state.upload_service.close_part, part)
    return json_response(UploadView.of(record), headers=_offset(record))
