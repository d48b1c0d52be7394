"""Caches finished rankings as JSON bytes: a ready ranking never changes."""

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass

from starlette.responses import Response

from service.rest.responses import JSON, etag_matches, not_modified
from service.views.rankings import RankingReading

_MOST_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True)
class CachedBody:
    """A JSON body and its ETag."""

    data: bytes
    etag: str


def body_of(data: bytes) -> CachedBody:
    """The body with the ETag of its bytes."""
    return CachedBody(data, f'"{hashlib.sha256(data).hexdigest()[:32]}"')


def body_response(body: CachedBody, if_none_match: str | None) -> Response:
    """The body as a response, or 304 if ``if_none_match`` names it."""
    if etag_matches(body.etag, if_none_match):
        return not_modified(body.etag)
    return Response(body.data, 200, {"ETag": body.etag}, media_type=JSON)


class RankingCache:
    """Bodies by project, ranking and reading; the oldest are evicted first."""

    def __init__(self, *, most_bytes: int = _MOST_BYTES) -> None:
        self._most = most_bytes
        self._size = 0
        self._lock = threading.Lock()
        self._bodies: OrderedDict[tuple[str, str, RankingReading], CachedBody] = OrderedDict()

    def get(self, project: str, ranking_id: str, reading: RankingReading) -> CachedBody | None:
        """The cached body; None if there is none."""
        return self._bodies.get((project, ranking_id, reading))

    def put(
        self, body: CachedBody, *, project: str, ranking_id: str, reading: RankingReading
    ) -> None:
        """Cache the body of a ready ranking."""
        with self._lock:
            self._bodies[project, ranking_id, reading] = body
            self._size = sum(len(cached.data) for cached in self._bodies.values())
            while self._size > self._most:
                self._size -= len(self._bodies.popitem(last=False)[1].data)
