"""A store that never hands out damaged bytes.

Files are hashed whenever they are fetched or read as a whole. Reading a part of a file verifies the
whole file first, unless it was verified lately and has the same stamp, or the budget is used up.
"""

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from service.adapters.object_store import CHUNK_BYTES, FolderBlobs
from service.core.blobs import Blob, BlobStamp, BlobStore, DamageLog
from service.core.errors import BlobDamagedError

log = structlog.get_logger(__name__)

VERIFIED_SECONDS = 3600.0
_MOST_VERIFIED = 10_000
_SAVED_SECONDS = 16.0


@dataclass
class VerifyBudget:
    """Bytes that may be verified now: so many a second, of which a few seconds' worth are saved up."""

    bytes_per_second: int
    _left: float = field(init=False)
    _counted: float = field(default_factory=time.monotonic)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """The budget starts full."""
        self._left = self.bytes_per_second * _SAVED_SECONDS

    def take(self, size_bytes: int) -> bool:
        """Whether the budget covers this many bytes, which it then has less."""
        with self._lock:
            now = time.monotonic()
            earned = (now - self._counted) * self.bytes_per_second
            self._left = min(self._left + earned, self.bytes_per_second * _SAVED_SECONDS)
            self._counted = now
            if size_bytes > self._left:
                return False
            self._left -= size_bytes
            return True


class VerifiedBlobs:
    """A ``BlobStore`` around another one. Every read can raise BlobDamagedError."""

    def __init__(self, store: BlobStore, *, damage: DamageLog, budget: VerifyBudget) -> None:
        self._store = store
        self._damage = damage
        self._budget = budget
        self._lock = threading.Lock()
        self._verified: OrderedDict[str, tuple[BlobStamp, float]] = OrderedDict()

    def add(self, path: Path, *, sha256: str) -> Blob:
        """Move the complete file at ``path`` into the store, which repairs a damaged one."""
        blob = self._store.add(path, sha256=sha256)
        self._damage.stored(sha256)
        return blob

    def path(self, sha256: str) -> Path:
        """The file with these bytes, if the store is a local folder; nothing is verified."""
        assert isinstance(self._store, FolderBlobs)
        return self._store.path(sha256)

    def exists(self, sha256: str) -> bool:
        """Whether these bytes are stored."""
        return self._store.exists(sha256)

    def read(self, sha256: str, *, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """The bytes, or a range of them, in chunks.

        A whole file that turns out to be damaged raises before its last chunk, and one of a single
        chunk raises here.
        """
        with self._reporting():
            self._sample(sha256)
            if start == 0 and length is None:
                return _begun(self._hashed(sha256, self._store.read(sha256)))
            return self._store.read(sha256, start=start, length=length)

    def fetch(self, sha256: str, destination: Path) -> None:
        """Write the verified file to ``destination``, as a link if the store is a local folder."""
        with self._reporting():
            self._store.fetch(sha256, destination)
        if _digest_of(destination) != sha256:
            destination.unlink()
            self.verify(sha256)
            # It was replaced by a whole one meanwhile.
            self.copy(sha256, destination)

    def copy(self, sha256: str, destination: Path) -> None:
        """Write the verified file to ``destination``, which shares nothing with the store."""
        with self._reporting():
            chunks = self._store.read(sha256)
        try:
            with destination.open("wb") as file:
                for chunk in self._hashed(sha256, chunks):
                    file.write(chunk)
        except BaseException:
            destination.unlink(missing_ok=True)
            raise

    def verify(self, sha256: str) -> None:
        """Require that the stored bytes have their digest; else they are set aside."""
        with self._reporting():
            stamp = self._store.stamp(sha256)
            while not self._matches(sha256):
                before, stamp = stamp, self._store.stamp(sha256)
                if before == stamp:
                    log.error("a stored file is damaged", sha256=sha256, size=stamp.size_bytes)
                    self._store.set_aside(sha256)
                    raise BlobDamagedError(sha256)
            self._remember(sha256, stamp)

    def verify_if_changed(self, sha256: str) -> None:
        """Require that the bytes have their digest, unless they were verified with this stamp."""
        if self._verified_at(sha256, self.stamp(sha256)) is None:
            self.verify(sha256)

    def stamp(self, sha256: str) -> BlobStamp:
        """Size and version of the file."""
        with self._reporting():
            return self._store.stamp(sha256)

    def digests(self) -> Iterator[str]:
        """Digests of all stored files."""
        return self._store.digests()

    def older_than(self, seconds: float) -> Iterator[str]:
        """Digests of the files that were last added more than ``seconds`` ago."""
        return self._store.older_than(seconds)

    def set_aside(self, sha256: str) -> None:
        """Move a damaged file away, so that nothing reads it until it is added again."""
        self._store.set_aside(sha256)
        self._report(sha256)

    def set_aside_digests(self) -> Iterator[str]:
        """Digests of the files that are set aside."""
        return self._store.set_aside_digests()

    def delete(self, sha256: str) -> None:
        """Delete the bytes; for garbage collection only."""
        self._store.delete(sha256)

    def _sample(self, sha256: str) -> None:
        """Verify a file that was not verified lately, if the budget covers it."""
        stamp = self._store.stamp(sha256)
        verified = self._verified_at(sha256, stamp)
        if verified is not None and time.monotonic() - verified < VERIFIED_SECONDS:
            return
        if self._budget.take(stamp.size_bytes):
            self.verify(sha256)

    def _matches(self, sha256: str) -> bool:
        digest = hashlib.sha256()
        for chunk in self._store.read(sha256):
            digest.update(chunk)
        return digest.hexdigest() == sha256

    def _hashed(self, sha256: str, chunks: Iterator[bytes]) -> Generator[bytes]:
        """The chunks; the last one only if all together have the digest."""
        digest = hashlib.sha256()
        held_back = b""
        for chunk in chunks:
            if held_back:
                yield held_back
            digest.update(chunk)
            held_back = chunk
        if digest.hexdigest() != sha256:
            self.verify(sha256)
            raise BlobDamagedError(sha256)
        if held_back:
            yield held_back

    def _verified_at(self, sha256: str, stamp: BlobStamp) -> float | None:
        """When the file with this stamp was verified, on the monotonic clock; None if it was not."""
        with self._lock:
            verified_stamp, moment = self._verified.get(sha256, (None, 0.0))
        return moment if verified_stamp == stamp else None

    def _remember(self, sha256: str, stamp: BlobStamp) -> None:
        with self._lock:
            self._verified[sha256] = (stamp, time.monotonic())
            self._verified.move_to_end(sha256)
            while len(self._verified) > _MOST_VERIFIED:
                self._verified.popitem(last=False)

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        """Report the damage that is raised inside."""
        try:
            yield
        except BlobDamagedError as error:
            self._report(error.sha256)
            raise

    def _report(self, sha256: str) -> None:
        """Record the damage; a whole file that was added meanwhile ends it."""
        self._damage.damaged(sha256)
        if self._store.exists(sha256):
            self._damage.stored(sha256)


def _begun(chunks: Generator[bytes]) -> Generator[bytes]:
    """The same chunks, the first of which is read now; closing them closes their source."""

    def all_chunks() -> Generator[bytes]:
        with closing(chunks):
            first = next(chunks, b"")
            yield b""
            yield first
            yield from chunks

    begun = all_chunks()
    next(begun)
    return begun


def _digest_of(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
