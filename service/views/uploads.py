"""Wire shapes of uploads."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, Field

from service.core.errors import InvalidRequestError
from service.core.file_names import LONGEST_PATH, file_name
from service.core.manifest import Sha256, Strict
from service.core.tables import UploadRecord


def _file_name(name: str) -> str:
    try:
        return file_name(name)
    except InvalidRequestError as error:
        raise ValueError(error.detail) from None


FileName = Annotated[str, Field(max_length=LONGEST_PATH), AfterValidator(_file_name)]
"""A file name in NFC, without folders and control characters."""


class NewUploadView(Strict):
    """An upload to come: its exact size and, to be checked, its SHA-256."""

    size: int = Field(ge=1, lt=2**62)
    sha256: Sha256 | None = None
    filename: FileName = ""


class UploadProgressView(BaseModel):
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
