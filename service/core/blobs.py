"""The interface of the object store: content-addressed and immutable."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Blob:
    """A stored file: its SHA-256 in hex and its size."""

    sha256: str
    size_bytes: int


@dataclass(frozen=True)
class BlobStamp:
    """Size and version of a stored file; writing to the file changes its stamp."""

    size_bytes: int
    version: str


class DamageLog(Protocol):
    """Learns which stored files are damaged, and which are whole again."""

    def damaged(self, sha256: str) -> None:
        """Record that the file was set aside."""
        ...

    def stored(self, sha256: str) -> None:
        """Record that the file was stored just now, so it is whole."""
        ...


class BlobStore(Protocol):
    """A store of files by SHA-256 digest.

    Reading a file that was set aside raises BlobDamagedError, a missing one NotFoundError.
    """

    def add(self, path: Path, *, sha256: str) -> Blob:
        """Move the complete file at ``path``, which has this digest, into the store.

        It replaces a file that is stored or set aside under the same digest.
        """
        ...

    def exists(self, sha256: str) -> bool:
        """Whether these bytes are stored."""
        ...

    def read(self, sha256: str, *, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """The bytes, or a range of them, in chunks."""
        ...

    def fetch(self, sha256: str, destination: Path) -> None:
        """Write the file to ``destination``, as a link if the store is a local folder."""
        ...

    def older_than(self, seconds: float) -> Iterator[str]:
        """Digests of the files that were last added more than ``seconds`` ago."""
        ...

    def stamp(self, sha256: str) -> BlobStamp:
        """Size and version of the file."""
        ...

    def digests(self) -> Iterator[str]:
        """Digests of all stored files."""
        ...

    def set_aside(self, sha256: str) -> None:
        """Move a damaged file away, so that nothing reads it until it is added again."""
        ...

    def set_aside_digests(self) -> Iterator[str]:
        """Digests of the files that are set aside."""
        ...

    def delete(self, sha256: str) -> None:
        """Delete the bytes; for garbage collection only."""
        ...


class VerifiedStore(BlobStore, Protocol):
    """A store whose reads raise BlobDamagedError for a damaged file, which it sets aside."""

    def verify(self, sha256: str) -> None:
        """Require that the bytes have their digest."""
        ...
