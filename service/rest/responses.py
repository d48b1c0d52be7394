"""Responses: JSON with an ETag, files, and POSTs that run once."""

import json
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Any

from pydantic import BaseModel
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from service.container import Zoo
from service.core.blobs import BlobStore, VerifiedStore
from service.core.content_digest import content_digest_of
from service.core.etags import names
from service.core.file_names import content_disposition
from service.core.fingerprints import fingerprint
from service.core.operations.access import audited_calls, idempotency
from service.core.operations.access.idempotency import StoredResponse
from service.core.operations.access.keys import Caller
from service.core.operations.zoo.packed_parts import PackedPart

JSON = "application/json"


def json_response(
    view: BaseModel, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """The view as a JSON response."""
    return Response(view.model_dump_json(), status, dict(headers or {}), media_type=JSON)


def etag_response(view: BaseModel, *, etag: str, if_none_match: str | None) -> Response:
    """The view with its ETag, or 304 if ``if_none_match`` names it."""
    if etag_matches(etag, if_none_match):
        return not_modified(etag)
    return json_response(view, headers={"ETag": etag})


def etag_matches(etag: str, if_none_match: str | None) -> bool:
    """Whether an If-None-Match header names the version ``etag``."""
    return if_none_match is not None and names(if_none_match, etag)


def not_modified(etag: str) -> Response:
    """The 304 response for the version ``etag``."""
    return Response(status_code=304, headers={"ETag": etag})


def stored_response(
    view: BaseModel, *, status: int, headers: Mapping[str, str] | None = None
) -> StoredResponse:
    """The view as a response that can be replayed."""
    return StoredResponse(status, view.model_dump_json(), dict(headers or {}))


def once(
    zoo: Zoo,
    caller: Caller,
    *,
    key: str | None,
    request: Any,
    work: Callable[[Session], StoredResponse],
) -> StoredResponse:
    """Run ``work`` in one transaction, once for each Idempotency-Key.

    ``request`` holds the JSON values that determine the result.
    """
    with zoo.transaction() as session:
        return idempotency.once(
            session,
            project=caller.project,
            key=key,
            request_sha256=fingerprint(request),
            work=lambda: _noted(work(session)),
        )


def _noted(response: StoredResponse) -> StoredResponse:
    """The response, whose ids the audit log names."""
    audited_calls.note_created(json.loads(response.body))
    return response


def to_response(answer: StoredResponse) -> Response:
    """The HTTP response of a stored response."""
    return Response(answer.body, answer.status, dict(answer.headers), media_type=JSON)


def respond_once(
    zoo: Zoo,
    caller: Caller,
    *,
    key: str | None,
    request: Any,
    work: Callable[[Session], StoredResponse],
) -> Response:
    """Run ``once`` and return its HTTP response."""
    return to_response(once(zoo, caller, key=key, request=request, work=work))


class ChunksResponse(StreamingResponse):
    """A response of chunks, whose source is closed even if the client leaves early."""

    def __init__(
        self, chunks: Iterator[bytes], *, headers: Mapping[str, str], media_type: str
    ) -> None:
        super().__init__(chunks, headers=headers, media_type=media_type)
        self._chunks = chunks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            if isinstance(self._chunks, Generator):
                await run_in_threadpool(self._chunks.close)


def file_response(
    blobs: BlobStore,
    if_none_match: str | None,
    *,
    media_type: str,
    size_bytes: int | None,
    sha256: str,
    filename: str,
) -> Response:
    """A stored file as a download; its digest is its ETag. 304 if ``if_none_match`` names it."""
    etag = f'"{sha256}"'
    if etag_matches(etag, if_none_match):
        return not_modified(etag)
    headers = {
        "ETag": etag,
        "Content-Digest": content_digest_of(sha256),
        "Content-Disposition": content_disposition(filename),
        "Cache-Control": "private, max-age=31536000, immutable",
        "X-Content-Type-Options": "nosniff",
    }
    if size_bytes is not None:
        headers["Content-Length"] = str(size_bytes)
    return ChunksResponse(blobs.read(sha256), headers=headers, media_type=media_type)


def part_response(
    part: PackedPart, blobs: VerifiedStore, if_none_match: str | None, *, media_type: str
) -> Response:
    """A part of a dataset's packed file, which never changes. 304 if ``if_none_match`` names it."""
    etag = f'"{part.sha256}"'
    if etag_matches(etag, if_none_match):
        return not_modified(etag)
    headers = {
        "ETag": etag,
        "Cache-Control": "private, max-age=86400, immutable",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(part.read(blobs), headers=headers, media_type=media_type)
