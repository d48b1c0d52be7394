"""The manifest of a backup. It is written last: a backup without one is incomplete."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field, ValidationError

from service.backup.store import BackupStore
from service.core.errors import ConflictError, InvalidRequestError

KEY = "manifest.json"


class SavedTable(BaseModel):
    """A table in PostgreSQL's text format for COPY: its columns in order, and the file."""

    name: str
    columns: list[str]
    rows: int
    key: str = Field(pattern=r"^tables/[A-Za-z0-9_-]+/[a-z0-9_]+\.copy$")
    sha256: str
    size_bytes: int


class Manifest(BaseModel):
    """The contents of a backup.

    ``tables`` are in an order in which no row precedes one that it refers to. ``files`` maps
    digests to sizes; ``missing`` are digests that rows refer to, but whose bytes the store of the
    zoo did not have, or had damaged.
    """

    format: Literal[1] = 1
    snapshot: str
    created_at: datetime
    revision: str
    tables: list[SavedTable]
    files: dict[str, int]
    missing: list[str]


def write_manifest(store: BackupStore, manifest: Manifest) -> None:
    """The backup is complete."""
    store.sync()
    store.put(KEY, manifest.model_dump_json(indent=1).encode())
    store.sync()


def read_manifest(store: BackupStore) -> Manifest:
    """The manifest of a complete backup.

    Raises:
        ConflictError: ``backup_incomplete``, there is none.
        InvalidRequestError: ``backup_unreadable``, it is damaged or of a newer release.
    """
    try:
        content = b"".join(store.read(KEY))
    except FileNotFoundError:
        raise ConflictError(
            f"{store.url} holds no complete backup: it has no {KEY}",
            code="backup_incomplete",
            remedy="repeat `zooscope backup` to this place, or restore another backup",
        ) from None
    try:
        return Manifest.model_validate_json(content)
    except ValidationError as error:
        raise InvalidRequestError(
            f"{KEY} in {store.url} is no manifest of this release",
            code="backup_unreadable",
            remedy="restore with the release that wrote it, or restore another backup",
        ) from error
