"""Bodies of POST /models and POST /datasets: JSON with an upload id, or multipart with the files."""

from dataclasses import dataclass
from typing import Any

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from service.core.errors import InvalidRequestError
from service.core.file_names import file_name
from service.core.staging import Received, Receiver
from service.core.strict_json import JsonLimits
from service.rest.json_route import json_value, long_limits, read_bounded
from service.rest.request_bodies import (
    FieldText,
    FormPart,
    MultipartWalker,
    ZipWriter,
    blocks,
    checked_stream,
    feed,
    media_type_of,
    require_length,
)
from service.uploads import UploadService

SLACK_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class Form:
    """A received multipart body: the manifest and the stored file."""

    manifest: Any
    received: Received
    filename: str


def is_form(request: Request) -> bool:
    """Whether the body is multipart rather than JSON."""
    return media_type_of(request.headers) == "multipart/form-data"


async def json_body(request: Request) -> Any:
    """The JSON value of the body.

    Raises:
        TooLargeError: The body is longer than ZOO_MAX_JSON_BYTES.
        InvalidRequestError: ``invalid_media_type``, or as ``parse_json``.
    """
    if media_type_of(request.headers) != "application/json":
        raise InvalidRequestError(
            "the body is neither application/json nor multipart/form-data",
            code="invalid_media_type",
            remedy="send JSON with an upload_id, or a form with `manifest` and `file`",
        )
    limits = long_limits(request)
    return await json_value(await read_bounded(request, limits), limits)


def flatten_manifest(value: Any) -> Any:
    """The body with manifest fields at the top: ``{manifest: {…}, upload_id}`` is ``{…, upload_id}``."""
    if isinstance(value, dict) and isinstance(value.get("manifest"), dict):
        return {**value["manifest"], **{k: v for k, v in value.items() if k != "manifest"}}
    return value


class FormReader:
    """Reads a form into a manifest and one stored file."""

    def __init__(self, request: Request, upload_service: UploadService, *, limit: int) -> None:
        self._request = request
        self._upload_service = upload_service
        self._limit = limit
        self._json_limits: JsonLimits = long_limits(request)
        self._manifest = FieldText(self._json_limits)
        self._receiver: Receiver | None = None
        self._zip: ZipWriter | None = None
        self._filename = ""
        self._file_ended = False

    async def read(self) -> Form:
        """The whole form.

        Raises:
            InvalidRequestError: The form is malformed, incomplete, or has unknown fields.
            TooLargeError: The file exceeds the limit.
        """
        require_length(self._request, limit=self._limit + SLACK_BYTES)
        walker = MultipartWalker(self._request.headers["content-type"])
        try:
            async for block in blocks(checked_stream(self._request)):
                for piece in walker.walk(block):
                    await self._take(piece)
            walker.require_end()
            return await self._finished()
        except BaseException:
            await run_in_threadpool(self._abandon)
            raise

    async def _take(self, piece: FormPart) -> None:
        if piece.name == "manifest":
            self._manifest.add(piece)
        elif piece.name == "file":
            await self._take_file(piece)
        elif piece.name == "files":
            await run_in_threadpool(self._take_one_of_many, piece)
        else:
            raise InvalidRequestError(
                f"the form has an unknown field {piece.name[:100]!r}",
                code="unknown_field",
                remedy="send `manifest` (JSON) and `file`, or many `files` for a dataset",
            )

    async def _take_file(self, piece: FormPart) -> None:
        if self._file_ended or self._zip is not None:
            raise InvalidRequestError("a form may have only one `file`", code="too_many_files")
        if self._receiver is None:
            self._filename = file_name(piece.filename or "")
            self._receiver = await run_in_threadpool(
                self._upload_service.receive_whole, limit=self._limit
            )
        for data in piece.data:
            await feed(self._receiver, data)
        self._file_ended = piece.ended

    def _take_one_of_many(self, piece: FormPart) -> None:
        if self._receiver is not None:
            raise InvalidRequestError("send `file` or `files`, not both", code="too_many_files")
        if self._zip is None:
            self._zip = ZipWriter(self._upload_service.new_path(), limit=self._limit)
        self._zip.add(piece)

    async def _finished(self) -> Form:
        if not self._file_ended and self._zip is None:
            raise InvalidRequestError("the form has no `file`", code="file_missing")
        manifest = await json_value(self._manifest.text or b"null", self._json_limits)
        received = await run_in_threadpool(self._stored)
        return Form(manifest, received, self._filename)

    def _stored(self) -> Received:
        if self._receiver is not None:
            return self._upload_service.close_whole(self._receiver)
        assert self._zip is not None
        self._zip.close()
        self._filename = "files.zip"
        return self._upload_service.store_file(self._zip.path)

    def _abandon(self) -> None:
        if self._receiver is not None:
            self._receiver.abandon()
        if self._zip is not None:
            self._zip.close()
            self._zip.path.unlink(missing_ok=True)
