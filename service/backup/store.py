"""Where a backup is written to and read from: a folder, or object storage."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import obstore
from obstore.store import LocalStore, from_url

from service.adapters.object_store import CHUNK_BYTES, key_of
from service.core.errors import UnavailableError


class BackupStore:
    """Files by key. A file appears under its key complete, or not at all."""

    def __init__(self, url: str, *, endpoint: str | None) -> None:
        self.url = url
        self._is_folder = "://" not in url or url.startswith("file://")
        if self._is_folder:
            folder = Path(url.removeprefix("file://")).expanduser().absolute()
            self._store: Any = LocalStore(folder, mkdir=True)
            return
        options: dict[str, Any] = {"client_options": {"allow_http": True}}
        if endpoint is not None:
            options["config"] = {"endpoint": endpoint, "virtual_hosted_style_request": False}
        self._store = from_url(url, **options)

    def put(self, key: str, content: Path | bytes) -> None:
        """Store the content under the key, in place of what was there."""
        if isinstance(content, bytes):
            obstore.put(self._store, key, content)
            return
        with content.open("rb") as file:
            obstore.put(self._store, key, file)

    def read(self, key: str) -> Iterator[bytes]:
        """The bytes under the key in chunks. Raises FileNotFoundError if there are none."""
        stream = obstore.get(self._store, key).stream(min_chunk_size=CHUNK_BYTES)
        return (bytes(chunk) for chunk in stream)

    def verified_size(self, key: str, *, sha256: str) -> int | None:
        """The size of what is under the key; None if it has another digest, or is missing."""
        digest = hashlib.sha256()
        size_bytes = 0
        try:
            for chunk in self.read(key):
                digest.update(chunk)
                size_bytes += len(chunk)
        except FileNotFoundError:
            return None
        return size_bytes if digest.hexdigest() == sha256 else None

    def keys(self, prefix: str) -> Iterator[str]:
        """The keys below a prefix."""
        for page in obstore.list(self._store, prefix):
            for meta in page:
                yield meta["path"]

    def delete(self, key: str) -> None:
        """Delete the file under the key."""
        obstore.delete(self._store, key)

    def sync(self) -> None:
        """Everything that was put survives a power cut when this returns."""
        if self._is_folder:
            os.sync()


def blob_key(sha256: str) -> str:
    """The key of a stored file within a backup."""
    return f"blobs/{key_of(sha256)}"


def damaged(store: BackupStore, key: str) -> UnavailableError:
    """The error for a file of a backup that is missing or has other bytes."""
    return UnavailableError(
        f"{key} in the backup {store.url} is missing or damaged",
        code="backup_damaged",
        remedy="restore another backup, or repeat `zooscope backup` to this one while the zoo still runs",
    )
