"""Stored files whose bytes no longer have their digest."""

from datetime import datetime

from sqlalchemy import func
from sqlalchemy.orm import Mapped, mapped_column

from service.core.tables.base import TableRow


class DamagedBlobRecord(TableRow):
    """A stored file that was set aside, until the same bytes are stored again."""

    __tablename__ = "damaged_blobs"

    sha256: Mapped[str] = mapped_column(primary_key=True)
    found_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
