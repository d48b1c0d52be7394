"""Strong ETags: they change whenever the thing does."""

import hashlib
from typing import Any

from service.core.errors import PreconditionFailedError, PreconditionRequiredError


def etag_of(record: Any) -> str:
    """The quoted ETag of a record: a digest of its id, version, state and time of change."""
    parts = (record.id, record.version, record.state, getattr(record, "updated_at", ""))
    return f'"{hashlib.sha256(repr(parts).encode()).hexdigest()[:32]}"'


def names(header: str, etag: str) -> bool:
    """Whether an If-Match or If-None-Match header names ``etag``."""
    given = [part.strip().removeprefix("W/") for part in header.split(",")]
    return "*" in given or etag in given


def require_match(record: Any, given: str | None) -> None:
    """Refuse a change that is not based on the record as it is.

    Raises:
        PreconditionRequiredError: No ETag was given.
        PreconditionFailedError: The record has changed since.
    """
    if given is None:
        raise PreconditionRequiredError(
            "a change needs the ETag it is based on",
            remedy="read the thing first and send its etag as If-Match",
        )
    if not names(given, etag_of(record)):
        raise PreconditionFailedError(
            f"{record.id} has changed since it was read", remedy="read it again, then decide"
        )
