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


class BlobStore(Protocol):
    """A store of files by SHA-256 digest; adding the same bytes again costs nothing."""

    def add(self, path: Path, *, sha256: str) -> Blob:
        """Move the complete file at ``path``, which has this digest, into the store."""
        ...

    def exists(self, sha256: str) -> bool:
        """Whether these bytes are stored."""
        ...

    def read(self, sha256: str, *, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """The bytes, or a range of them, in chunks. Raises NotFoundError if they are not stored."""
        ...

    def fetch(self, sha256: str, destination: Path) -> None:
        """Write the file to ``destination``, as a link if the store is a local folder."""
        ...

    def older_than(self, seconds: float) -> Iterator[str]:
        """Digests of the files that were last added more than ``seconds`` ago."""
        ...

    def delete(self, sha256: str) -> None:
        """Delete the bytes; for garbage collection only."""
        ...
