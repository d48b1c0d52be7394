"""Wire shapes of uploads."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field

from service.core.manifest import Sha256, Strict
from service.core.tables import UploadRecord


class NewUploadView(Strict):
    """An upload to come: its exact size and, to be checked, its SHA-256."""

    size: int = Field(ge=1, lt=2**62)
    sha256: Sha256 | None = None
    filename: Annotated[str, Field(max_length=300, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""


class UploadView(BaseModel):
    """An upload; ``offset`` is the next byte to send."""

    id: str
    offset: int
    size: int
    sha256: str | None
    filename: str
    state: Literal["receiving", "complete", "used"]
    created_at: datetime
    expires_at: datetime

    @classmethod
    def of(cls, record: UploadRecord) -> Self:
        """The view of a record."""
        return cls(
            id=record.id,
            offset=record.offset_bytes,
            size=record.size_bytes,
            sha256=record.sha256,
            filename=record.filename,
            state=record.state,
            created_at=record.created_at,
            expires_at=record.expires_at,
        )
