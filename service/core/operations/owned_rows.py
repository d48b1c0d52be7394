"""Rows by id inside a project: the one way in which operations load them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from service.core.errors import ConflictError, NotFoundError
from service.core.tables import (
    AccuracyRecord,
    ArtifactRecord,
    DatasetRecord,
    DatasetState,
    JobRecord,
    KeyRecord,
    LayerSelectionRecord,
    MapRecord,
    ModelRecord,
    ModelState,
    RankingRecord,
    UploadRecord,
)
from service.core.tables.base import Owned

Row = TypeVar("Row", bound=Owned)
Checked = TypeVar("Checked", ModelRecord, DatasetRecord)


@dataclass(frozen=True)
class RowKind:
    """What errors call a row, and where to look for the ones that exist."""

    noun: str
    remedy: str

    @property
    def code(self) -> str:
        """The noun as error codes begin with it."""
        return self.noun.replace(" ", "_")


_KINDS: Mapping[type[Owned], RowKind] = {
    ModelRecord: RowKind("model", "see GET /v1/models"),
    DatasetRecord: RowKind("dataset", "see GET /v1/datasets"),
    JobRecord: RowKind("job", "see GET /v1/jobs"),
    ArtifactRecord: RowKind("artifact", "see GET /v1/jobs/{job_id}/artifacts"),
    RankingRecord: RowKind("ranking", "create one with POST /v1/rankings"),
    LayerSelectionRecord: RowKind("layer selection", "create one with POST /v1/layer-selections"),
    MapRecord: RowKind("map", "see GET /v1/maps/{dataset_id}/snapshots"),
    AccuracyRecord: RowKind("accuracy", "see GET /v1/accuracies"),
    UploadRecord: RowKind(
        "upload",
        "uploads expire after a day; start a new one with POST /v1/uploads",
    ),
    KeyRecord: RowKind("key", "see GET /v1/keys"),
}


def get(session: Session, kind: type[Row], *, project: str, id: str) -> Row:  # noqa: A002 - the column's name
    """The row as it is now.

    Raises:
        NotFoundError: ``<kind>_not_found``: the project has no row with this id.
    """
    return _required(session, _query(kind, project, id), kind, id)


def get_locked(session: Session, kind: type[Row], *, project: str, id: str) -> Row:  # noqa: A002 - the column's name
    """The row as it is now, locked until the transaction ends. Errors are those of ``get``."""
    return _required(session, _query(kind, project, id).with_for_update(), kind, id)


def get_ready(
    session: Session,
    kind: type[Checked],
    *,
    project: str,
    id: str,  # noqa: A002 - the column's name
) -> Checked:
    """The model or dataset, which has passed its check.

    Raises:
        NotFoundError: ``<kind>_not_found``.
        ConflictError: ``<kind>_not_ready``; the detail names its state.
    """
    row = get(session, kind, project=project, id=id)
    if row.state not in (ModelState.READY, DatasetState.READY):
        raise ConflictError(
            f"{id} is {row.state}, not ready",
            code=f"{_KINDS[kind].code}_not_ready",
            remedy="wait for its check to end, or read its problems",
        )
    return row


def not_found(kind: type[Owned], id: str) -> NotFoundError:  # noqa: A002 - the column's name
    """The error for a row that the project does not have."""
    about = _KINDS[kind]
    return NotFoundError(
        f"there is no {about.noun} {id}", code=f"{about.code}_not_found", remedy=about.remedy
    )


def _query(kind: type[Row], project: str, row_id: str) -> Select[Row]:
    return select(kind).where(kind.id == row_id, kind.project == project)


def _required(session: Session, query: Select[Row], kind: type[Row], row_id: str) -> Row:
    row = session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if row is None:
        raise not_found(kind, row_id)
    return row
