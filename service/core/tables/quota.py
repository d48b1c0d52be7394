"""Quotas of projects that differ from the defaults in the settings."""

from datetime import datetime

from sqlalchemy import func
from sqlalchemy.orm import Mapped, mapped_column

from service.core.tables.base import TableRow


class QuotaRecord(TableRow):
    """The limits of one project; None takes the default of the settings."""

    __tablename__ = "quotas"

    project: Mapped[str] = mapped_column(primary_key=True)
    bytes: Mapped[int | None]
    models: Mapped[int | None]
    datasets: Mapped[int | None]
    images: Mapped[int | None]
    queued_jobs: Mapped[int | None]
    running_jobs: Mapped[int | None]
    job_seconds: Mapped[int | None]
    updated_at: Mapped[datetime] = mapped_column(
        server_default=func.clock_timestamp(), onupdate=func.clock_timestamp()
    )
