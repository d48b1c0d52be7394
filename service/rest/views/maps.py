"""Wire shapes of maps."""

from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel

from service.core.records import MapRecord


class MapView(BaseModel):
    """How the measured networks of a probe set relate; ``document`` is what the job drew."""

    id: str
    dataset_id: str
    job_id: str
    document: dict[str, Any]
    created_at: datetime

    @classmethod
    def of(cls, record: MapRecord) -> Self:
        """The view of a record."""
        return cls(
            id=record.id,
            dataset_id=record.dataset_id,
            job_id=record.job_id,
            document=record.document,
            created_at=record.created_at,
        )
