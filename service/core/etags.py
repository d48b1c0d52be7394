"""Strong ETags, which change with every change of a record."""

import hashlib
from typing import Any

from service.core.errors import PreconditionFailedError, PreconditionRequiredError


def etag_of(record: Any) -> str:
    """The quoted ETag of a record: a digest of its id, version, state and time of change."""
    # As text: a new record holds its state as an enum until it is read again.
    parts = (record.id, record.version, str(record.state), getattr(record, "updated_at", ""))
    return f'"{hashlib.sha256(repr(parts).encode()).hexdigest()[:32]}"'


def names(header: str, etag: str) -> bool:
    """Whether an If-Match or If-None-Match header names ``etag``."""
    tags = [part.strip().removeprefix("W/") for part in header.split(",")]
    return "*" in tags or etag in tags


def require_match(record: Any, if_match: str | None) -> None:
    """Require that a change is based on the current version of the record.

    Raises:
        PreconditionRequiredError: The ETag is missing.
        PreconditionFailedError: The record has changed since.
    """
    if if_match is None:
        raise PreconditionRequiredError(
            "a change needs the ETag of the version that it is based on",
            remedy="read the record first and send its etag as If-Match",
        )
    if not names(if_match, etag_of(record)):
        raise PreconditionFailedError(
            f"{record.id} has changed since it was read",
            remedy="read it again, then repeat the change",
        )
