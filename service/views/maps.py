"""Wire shapes of maps."""

from datetime import datetime
from functools import partial
from typing import Any, Self

from pydantic import BaseModel
from sqlalchemy.orm import Session

from service.core.operations.maps import maps
from service.core.operations.maps.snapshot_lookup import Snapshot
from service.core.paging import PageTokens
from service.views.paging import ListView, PageQuery, list_view


class MapView(BaseModel):
    """How the measured networks of a probe set relate; ``document`` is the drawn map.

    Maps with one ``layout_id`` show a network that they share at the same position.
    """

    id: str
    dataset_id: str
    job_id: str
    layout_id: str
    created_at: datetime
    document: dict[str, Any]


class MapSnapshotView(BaseModel):
    """A map in the list of a dataset's maps."""

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


def snapshots_page(
    session: Session, tokens: PageTokens, query: PageQuery, *, project: str, dataset_id: str
) -> ListView[MapSnapshotView]:
    """The page of a dataset's maps that the query asks for."""
    read = partial(maps.snapshots, session, project=project, dataset_id=dataset_id)
    scope = [project, "maps", dataset_id]
    return list_view(read, MapSnapshotView.of, query, tokens=tokens, scope=scope)
