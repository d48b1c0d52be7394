"""The protocol tus 1.0 on the routes of uploads: version, creation by headers, method override."""

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import format_datetime

from fastapi import Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.core.errors import InvalidRequestError, PreconditionFailedError
from service.core.tables import UploadRecord
from service.views.uploads import NewUploadView
from service.views.validation import validated

VERSION = "1.0.0"
EXTENSIONS = "creation,expiration"
_PATH = "/v1/uploads"
_SIZE = re.compile("[0-9]{1,19}")
_HEADER = "tus-resumable"
_OVERRIDE = "x-http-method-override"
_OVERRIDABLE = frozenset({"PATCH", "DELETE", "HEAD"})


def speaks_tus(request: Request) -> bool:
    """Whether the client speaks tus.

    Raises:
        PreconditionFailedError: ``unsupported_tus_version``.
    """
    version = request.headers.get(_HEADER)
    if version not in (None, VERSION):
        raise PreconditionFailedError(
            f"the client speaks tus {version}, the zoo {VERSION}",
            code="unsupported_tus_version",
            remedy=f"send Tus-Resumable: {VERSION}",
        )
    return version is not None


def announced_by_headers(headers: Headers) -> NewUploadView:
    """The upload that the headers of a creation announce.

    ``filename`` and ``sha256`` come from Upload-Metadata; its other entries are ignored.

    Raises:
        InvalidRequestError: ``length_required``, ``invalid_upload_metadata``, or a wrong value.
    """
    length = headers.get("upload-length", "")
    if not _SIZE.fullmatch(length):
        sent = f"; Upload-Length is {length[:50]!r}" if length else ""
        raise InvalidRequestError(
            f"an upload needs its length in bytes in advance{sent}",
            code="length_required",
            remedy="send Upload-Length with the size of the file in bytes",
        )
    metadata = _metadata(headers.get("upload-metadata", ""))
    values = {"size": int(length), "filename": metadata.get("filename", metadata.get("name", ""))}
    if "sha256" in metadata:
        values["sha256"] = metadata["sha256"]
    return validated(NewUploadView, values, where="header")


def _metadata(header: str) -> Mapping[str, str]:
    """The entries of Upload-Metadata: a key and its value in Base64 each."""
    entries = [entry.strip().partition(" ") for entry in header.split(",") if entry.strip()]
    try:
        return {key: base64.b64decode(value, validate=True).decode() for key, _, value in entries}
    except (binascii.Error, ValueError) as error:
        raise InvalidRequestError(
            f"Upload-Metadata is malformed: {error}",
            code="invalid_upload_metadata",
            remedy="send pairs of a key and a Base64 value, separated by commas",
        ) from error


def expiry_of(record: UploadRecord) -> dict[str, str]:
    """The header that says when an unfinished upload is deleted."""
    return {"Upload-Expires": format_datetime(record.expires_at.astimezone(UTC), usegmt=True)}


class TusMiddleware:
    """Answers of the upload routes name the version of tus to clients that speak it.

    A POST may name another method in X-HTTP-Method-Override, as the protocol has it for clients
    that cannot send PATCH.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http" or not scope["path"].startswith(_PATH):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if _HEADER not in headers:
            await self.app(scope, receive, send)
            return
        override = headers.get(_OVERRIDE, "").upper()
        if scope["method"] == "POST" and override in _OVERRIDABLE:
            scope = {**scope, "method": override}
        await self.app(scope, receive, _with_version(send))


def _with_version(send: Send) -> Send:
    async def send_with_version(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["Tus-Resumable"] = VERSION
            headers["Tus-Version"] = VERSION
        await send(message)

    return send_with_version
