"""Uploads in progress: bytes in staging that are not yet part of the zoo."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy.orm import Mapped, mapped_column

from service.core.tables.base import Owned, TableRow


class UploadState(StrEnum):
    """The state of an upload.

    ``receiving`` until all bytes are received and verified, then ``complete``; ``used`` when a
    model or dataset has been created from it.
    """

    RECEIVING = "receiving"
    COMPLETE = "complete"
    USED = "used"


class UploadRecord(Owned, TableRow):
    """One resumable upload; ``expected_sha256`` is the digest that the client expects, if any."""

    __tablename__ = "uploads"

    filename: Mapped[str]
    size_bytes: Mapped[int]
    offset_bytes: Mapped[int] = mapped_column(default=0)
    expected_sha256: Mapped[str | None]
    sha256: Mapped[str | None]
    state: Mapped[str] = mapped_column(default=UploadState.RECEIVING)
    expires_at: Mapped[datetime]
