"""The object store as the zoo sees it: content-addressed, written once, never changed."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Blob:
    """A stored file: its SHA-256 in hex and its size."""

    sha256: str
    size_bytes: int


class BlobStore(Protocol):
    """Where files live. Keys are SHA-256 digests; a second write of the same bytes is free."""

    def add(self, path: Path, *, sha256: str) -> Blob:
        """Take over the finished file at ``path``, known to have this digest; it is moved."""
        ...

    def exists(self, sha256: str) -> bool:
        """Whether these bytes are stored."""
        ...

    def read(self, sha256: str, *, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """The bytes, or a range of them, in chunks. Raises NotFoundError when not stored."""
        ...

    def fetch(self, sha256: str, destination: Path) -> None:
        """Lay the file at ``destination``, as a link where the store is a local folder."""
        ...

    def older_than(self, seconds: float) -> Iterator[str]:
        """Digests of the files that were last added more than ``seconds`` ago."""
        ...

    def delete(self, sha256: str) -> None:
        """Forget the bytes; garbage collection only."""
        ...
