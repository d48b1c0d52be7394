"""Wire shapes of maps."""

from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel

from service.core.operations.maps.snapshot_lookup import Snapshot


class MapView(BaseModel):
    """How the measured networks of a probe set relate; ``document`` is what the job drew.

    Maps with one ``layout_id`` put every network that they share on the same spot.
    """

    id: str
    dataset_id: str
    job_id: str
    layout_id: str
    created_at: datetime
    document: dict[str, Any]


class SnapshotView(BaseModel):
    """A map in the list of a dataset's maps; it is read under its id."""

    id: str
    job_id: str
    layout_id: str
    created_at: datetime
    models: int
    stress: float
    params: dict[str, Any]

    @classmethod
    def of(cls, snapshot: Snapshot) -> Self:
        """The view of a snapshot."""
        return cls(**{**vars(snapshot), "params": dict(snapshot.params)})
