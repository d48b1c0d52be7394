"""The files of the zoo's page, held in memory: a browser asks for each once until they change."""

import gzip
import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from service.rest.responses import etag_matches, not_modified

_WEB = Path(__file__).parents[1] / "web"
_FRONT = "index.html"
_VERSION_DIGITS = 16
# An address names the version, so what it answers never changes, and modules of two versions never mix.
_KEPT = {"Cache-Control": "public, max-age=31536000, immutable"}
_REVALIDATED = {"Cache-Control": "no-cache"}


@dataclass(frozen=True)
class WebFile:
    """A file as it is sent; ``packed`` is its gzip, None where that is no smaller."""

    media_type: str
    data: bytes
    packed: bytes | None

    def response(self, request: Headers, headers: Mapping[str, str]) -> Response:
        """The file in the coding that a request accepts."""
        packed = self.packed is not None and "gzip" in request.get("accept-encoding", "")
        content = self.packed if packed else self.data
        coding = {"Content-Encoding": "gzip"} if packed else {}
        varied = {"Vary": "Accept-Encoding", **coding, **headers}
        return Response(content, media_type=self.media_type, headers=varied)


@dataclass(frozen=True)
class WebVersion:
    """All files of the page by path, and the name of this version of them."""

    name: str
    files: Mapping[str, WebFile]


@cache
def web_version() -> WebVersion:
    """The page's files as they were at the first request."""
    paths = sorted(path for path in _WEB.rglob("*") if path.is_file())
    contents = {path.relative_to(_WEB).as_posix(): path.read_bytes() for path in paths}
    digest = hashlib.sha256()
    for name, data in contents.items():
        digest.update(f"{name} {len(data)}\n".encode() + data)
    version = digest.hexdigest()[:_VERSION_DIGITS]
    front = contents.pop(_FRONT).replace(b'"web/', f'"web/{version}/'.encode())
    files = {name: _file(name, data) for name, data in {_FRONT: front, **contents}.items()}
    return WebVersion(version, files)


def _file(name: str, data: bytes) -> WebFile:
    media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    packed = gzip.compress(data, mtime=0)
    return WebFile(media_type, data, packed if len(packed) < len(data) else None)


def front_response(request: Headers) -> Response:
    """The page itself, which names the version of everything else."""
    version = web_version()
    etag = f'"{version.name}"'
    if etag_matches(etag, request.get("if-none-match")):
        return not_modified(etag)
    return version.files[_FRONT].response(request, {"ETag": etag, **_REVALIDATED})


async def web_files(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers ``/web/VERSION/PATH``; 404 for another version."""
    version = web_version()
    name = scope["path"].removeprefix(scope.get("root_path", "")).lstrip("/")
    wanted, _, path = name.partition("/")
    file = version.files.get(path) if wanted == version.name else None
    response: Response = (
        PlainTextResponse("There is no such file.", status_code=404)
        if file is None
        else file.response(Headers(scope=scope), _KEPT)
    )
    await response(scope, receive, send)
