"""Request bodies that are files: raw or multipart, in constant memory, off the event loop."""

import asyncio
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect

from service.core.content_digest import DigestCheck
from service.core.errors import InvalidRequestError, TooLargeError
from service.core.file_names import disposition_parameters, invalid_file_name, relative_name
from service.core.staging import BLOCK_BYTES, CHECK_SPACE_BYTES, Receiver
from service.core.strict_json import JsonLimits, require_size
from service.uploads import UploadPart, UploadService

_HEADER_BYTES = 16 * 1024
UNBOUNDED = 2**62


def require_length(request: Request, *, limit: int) -> None:
    """Refuse a body whose Content-Length exceeds ``limit`` before reading any of it.

    Raises:
        TooLargeError: ``upload_too_large``.
    """
    announced = announced_bytes(request)
    if announced > limit:
        raise TooLargeError(
            f"{announced} bytes announced, {limit} allowed", code="upload_too_large"
        )


def announced_bytes(request: Request) -> int:
    """The Content-Length of a body; 0 if it has none."""
    announced = request.headers.get("content-length", "0")
    return int(announced) if announced.isdecimal() else 0


async def checked_stream(request: Request) -> AsyncIterator[bytes]:
    """The body as it arrives; it must have the digests that its Content-Digest states.

    Raises:
        InvalidRequestError: ``invalid_content_digest``, before the first byte.
        RefusedUploadError: ``content_digest_mismatch``, after the last one.
    """
    lines = request.headers.getlist("content-digest")
    check = DigestCheck(", ".join(lines) if lines else None)
    async for chunk in request.stream():
        check.update(chunk)
        yield chunk
    check.require_match()


async def blocks(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The stream in blocks large enough to hand to a thread.

    What arrived before the client disconnects is the last block; then the error follows.
    """
    pieces: list[bytes] = []
    size = 0
    try:
        async for chunk in stream:
            pieces.append(chunk)
            size += len(chunk)
            if size >= BLOCK_BYTES:
                yield b"".join(pieces)
                pieces.clear()
                size = 0
    except ClientDisconnect:
        if size:
            yield b"".join(pieces)
        raise
    if size:
        yield b"".join(pieces)


async def feed(receiver: Receiver, block: bytes) -> None:
    """Pass a block to the receiver's threads; wait while they are behind."""
    receiver.feed(block)
    while (behind := receiver.backlog()) is not None:
        await asyncio.wrap_future(behind)


async def receive_part(request: Request, upload_service: UploadService, part: UploadPart) -> None:
    """Stream the body into an open part and record the offset periodically."""
    recorded_offset = part.receiver.offset
    async for block in blocks(checked_stream(request)):
        await feed(part.receiver, block)
        if part.receiver.offset - recorded_offset >= CHECK_SPACE_BYTES:
            recorded_offset = part.receiver.offset
            await run_in_threadpool(
                upload_service.record_offset, part, offset=part.receiver.written
            )


@dataclass
class FormPart:
    """A piece of one part of a multipart body: its field, file name and data."""

    name: str
    filename: str | None
    data: list[bytes] = field(default_factory=list)
    ended: bool = False


class MultipartWalker:
    """Splits chunks of a multipart body into pieces of parts."""

    def __init__(self, content_type: str) -> None:
        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data" or b"boundary" not in options:
            raise InvalidRequestError(
                "the body is not multipart/form-data", code="invalid_multipart"
            )
        self._pieces: list[FormPart] = []
        self._current: FormPart | None = None
        self._header: tuple[bytearray, bytearray] = (bytearray(), bytearray())
        self._headers: dict[bytes, bytes] = {}
        callbacks: Any = {
            "on_part_begin": self._headers.clear,
            "on_header_field": lambda data, start, end: self._grow(0, data[start:end]),
            "on_header_value": lambda data, start, end: self._grow(1, data[start:end]),
            "on_header_end": self._header_end,
            "on_headers_finished": self._begin,
            "on_part_data": self._data,
            "on_part_end": self._end,
            "on_end": self._finish,
        }
        try:
            self._parser = MultipartParser(options[b"boundary"], callbacks)
        except FormParserError as error:
            raise _malformed(error) from error
        self._finished = False

    def walk(self, chunk: bytes) -> list[FormPart]:
        """The pieces in the next chunk; a part arrives as several pieces, the last with ``ended`` set.

        Raises:
            InvalidRequestError: ``invalid_multipart``.
        """
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise _malformed(error) from error
        pieces, self._pieces = self._pieces, []
        return pieces

    def require_end(self) -> None:
        """Refuse a body that ends before its last boundary.

        Raises:
            InvalidRequestError: ``invalid_multipart``.
        """
        if not self._finished:
            raise InvalidRequestError(
                "the multipart body has no final boundary", code="invalid_multipart"
            )

    def _finish(self) -> None:
        self._finished = True

    def _grow(self, which: int, data: bytes) -> None:
        self._header[which].extend(data)
        if len(self._header[which]) > _HEADER_BYTES:
            raise InvalidRequestError("a part's header is too long", code="invalid_multipart")

    def _header_end(self) -> None:
        key, value = map(bytes, self._header)
        self._headers[key.lower()] = value
        self._header = (bytearray(), bytearray())

    def _begin(self) -> None:
        parameters = disposition_parameters(self._headers.get(b"content-disposition", b""))
        self._current = FormPart(parameters.get("name", ""), parameters.get("filename"))

    def _data(self, data: bytes, start: int, end: int) -> None:
        self._piece().data.append(data[start:end])

    def _end(self) -> None:
        self._piece().ended = True
        self._current = None

    def _piece(self) -> FormPart:
        """The current part's piece of this chunk."""
        assert self._current is not None
        if not self._pieces or self._pieces[-1].ended:
            self._pieces.append(FormPart(self._current.name, self._current.filename))
        return self._pieces[-1]


def _malformed(error: FormParserError) -> InvalidRequestError:
    return InvalidRequestError(
        f"the multipart body is malformed: {error}", code="invalid_multipart"
    )


class FieldText:
    """A form field of JSON, collected in memory up to its limit."""

    def __init__(self, limits: JsonLimits) -> None:
        self._limits = limits
        self._data = bytearray()

    def add(self, piece: FormPart) -> None:
        """Add a piece of the field.

        Raises:
            TooLargeError: ``too_large``.
        """
        for data in piece.data:
            self._data.extend(data)
        require_size(len(self._data), self._limits)

    @property
    def text(self) -> bytes:
        """The field's bytes."""
        return bytes(self._data)


class ZipWriter:
    """Writes the files of one request into an uncompressed zip file."""

    def __init__(self, path: Path, *, limit: int) -> None:
        self._zip = zipfile.ZipFile(path, "w", zipfile.ZIP_STORED, allowZip64=True)
        self._member: Any = None
        self._names: set[str] = set()
        self._left = limit
        self.path = path

    def add(self, piece: FormPart) -> None:
        """Write a piece; a new member starts when the previous one has ended."""
        if self._member is None:
            self._member = self._zip.open(self._info(piece), "w", force_zip64=True)
        for data in piece.data:
            self._left -= len(data)
            if self._left < 0:
                raise TooLargeError("the files are larger than allowed", code="upload_too_large")
            self._member.write(data)
        if piece.ended:
            self._member.close()
            self._member = None

    def _info(self, piece: FormPart) -> zipfile.ZipInfo:
        name = relative_name(piece.filename or "")
        if name in self._names:
            raise invalid_file_name(name, "another file of this form has the same name")
        self._names.add(name)
        return zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))

    @property
    def count(self) -> int:
        """Number of files written."""
        return len(self._names)

    def close(self) -> None:
        """Write the central directory and close the file."""
        if self._member is not None:
            self._member.close()
        self._zip.close()


def media_type_of(headers: Headers) -> str:
    """The media type of a body in lower case, without parameters."""
    return headers.get("content-type", "").split(";", 1)[0].strip().lower()
