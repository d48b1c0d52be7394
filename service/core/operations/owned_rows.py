"""Rows by id inside a project: the one way in which the service and its workers load them.

Every function takes the project, and a row of another project looks exactly like one that never existed.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import ARRAY, Select, Text, any_, cast, select
from sqlalchemy.orm import Session, undefer_group

from service.core.errors import (
    BlobDamagedError,
    ConflictError,
    FieldProblem,
    InvalidRequestError,
    NotFoundError,
)
from service.core.ids import IdKind
from service.core.operations.dataset_kinds import (
    CLIPS,
    require_kind,
    require_network_of_images,
    require_reader,
)
from service.core.operations.id_references import IdReference
from service.core.tables import (
    AccuracyRecord,
    ArtifactRecord,
    ConceptSearchRecord,
    DatasetRecord,
    DatasetState,
    EstimateRecord,
    GraphRecord,
    JobRecord,
    KeyRecord,
    LayerSelectionRecord,
    MapRecord,
    ModelRecord,
    ModelState,
    RankingRecord,
    UnitResponsesRecord,
    UploadRecord,
)
from service.core.tables.base import Owned
from service.core.tables.model_name import RELATED

Row = TypeVar("Row", bound=Owned)
Checked = TypeVar("Checked", ModelRecord, DatasetRecord)
_MOST_PROBLEMS = 100


@dataclass(frozen=True)
class RowKind:
    """The kind of id that rows of a table have, what errors call a row, and where to look for others."""

    id_kind: IdKind
    noun: str
    remedy: str

    @property
    def code(self) -> str:
        """The noun as error codes begin with it."""
        return self.noun.replace(" ", "_")


_MEASUREMENTS = "measurements belong to rankings; see POST /v1/rankings"
KINDS: Mapping[type[Owned], RowKind] = {
    ModelRecord: RowKind(IdKind.MODEL, "model", "see GET /v1/models"),
    DatasetRecord: RowKind(IdKind.DATASET, "dataset", "see GET /v1/datasets"),
    JobRecord: RowKind(IdKind.JOB, "job", "see GET /v1/jobs"),
    ArtifactRecord: RowKind(IdKind.ARTIFACT, "artifact", "see GET /v1/jobs/{job_id}/artifacts"),
    GraphRecord: RowKind(IdKind.GRAPH, "graph", _MEASUREMENTS),
    EstimateRecord: RowKind(IdKind.ESTIMATE, "estimate", _MEASUREMENTS),
    RankingRecord: RowKind(IdKind.RANKING, "ranking", "create one with POST /v1/rankings"),
    LayerSelectionRecord: RowKind(
        IdKind.LAYER_SELECTION, "layer selection", "create one with POST /v1/layer-selections"
    ),
    UnitResponsesRecord: RowKind(
        IdKind.UNIT_RESPONSES, "unit responses", "measure them with POST /v1/jobs"
    ),
    ConceptSearchRecord: RowKind(
        IdKind.CONCEPT_SEARCH, "concept search", "create one with POST /v1/concept-searches"
    ),
    MapRecord: RowKind(IdKind.MAP, "map", "see GET /v1/maps/{dataset_id}/snapshots"),
    AccuracyRecord: RowKind(IdKind.ACCURACY, "accuracy", "see GET /v1/accuracies"),
    UploadRecord: RowKind(
        IdKind.UPLOAD,
        "upload",
        "uploads expire after a day; start a new one with POST /v1/uploads",
    ),
    KeyRecord: RowKind(IdKind.KEY, "key", "see GET /v1/keys"),
}
_TABLES: Mapping[IdKind, type[Owned]] = {kind.id_kind: table for table, kind in KINDS.items()}


def get(session: Session, kind: type[Row], *, project: str, id: str) -> Row:  # noqa: A002 - the column's name
    """The row as it is now.

    Raises:
        NotFoundError: ``<kind>_not_found``: the project has no row with this id.
    """
    return _required(find(session, kind, project=project, id=id), kind, id)


def get_locked(session: Session, kind: type[Row], *, project: str, id: str) -> Row:  # noqa: A002 - the column's name
    """The row as it is now, locked until the transaction ends. Errors are those of ``get``."""
    return _required(find_locked(session, kind, project=project, id=id), kind, id)


def get_network(session: Session, *, project: str, id: str) -> ModelRecord:  # noqa: A002 - the column's name
    """The model as it is now, which takes images.

    Raises:
        NotFoundError: ``model_not_found``.
        InvalidRequestError: ``model_reads_clips``.
    """
    return require_network_of_images(get(session, ModelRecord, project=project, id=id))


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
        ConflictError: ``<kind>_not_ready``; the detail names its state. ``blob_damaged`` if a
            stored file of it is damaged.
        InvalidRequestError: ``dataset_has_clips`` or ``model_reads_clips``: this needs images.
    """
    row = get(session, kind, project=project, id=id)
    if isinstance(row, DatasetRecord):
        require_kind(row)
    else:
        require_network_of_images(row)
    return _require_ready(row)


def get_ready_model(session: Session, *, project: str, id: str) -> ModelRecord:  # noqa: A002 - the column's name
    """The model, of images or of clips, which has passed its check.

    Raises:
        NotFoundError: ``model_not_found``.
        ConflictError: ``model_not_ready``, ``blob_damaged``.
    """
    return _require_ready(get(session, ModelRecord, project=project, id=id))


def get_ready_clips(session: Session, *, project: str, id: str) -> DatasetRecord:  # noqa: A002 - the column's name
    """The dataset of clips, which has passed its check.

    Raises:
        NotFoundError: ``dataset_not_found``.
        ConflictError: ``dataset_not_ready``, ``blob_damaged``.
        InvalidRequestError: ``dataset_has_images``.
    """
    return _require_ready(require_kind(get(session, DatasetRecord, project=project, id=id), CLIPS))


def get_ready_reader(session: Session, *, project: str, id: str) -> ModelRecord:  # noqa: A002 - the column's name
    """The reader of clips, which is ready.

    Raises:
        NotFoundError: ``model_not_found``.
        ConflictError: ``model_not_ready``, ``blob_damaged``.
        InvalidRequestError: ``model_reads_images``.
    """
    return _require_ready(require_reader(get(session, ModelRecord, project=project, id=id)))


def _require_ready(row: Checked) -> Checked:
    """The row, undamaged and past its check."""
    require_undamaged(row)
    if row.state not in (ModelState.READY, DatasetState.READY):
        raise ConflictError(
            f"{row.id} is {row.state}, not ready",
            code=f"{KINDS[type(row)].code}_not_ready",
            remedy="wait for its check to end, or read its problems",
        )
    return row


def find(session: Session, kind: type[Row], *, project: str, id: str) -> Row | None:  # noqa: A002 - the column's name
    """The row as it is now; None if the project has no row with this id."""
    return _only(session, _query(kind, project, id))


def find_locked(session: Session, kind: type[Row], *, project: str, id: str) -> Row | None:  # noqa: A002 - the column's name
    """The row as it is now, locked until the transaction ends; None if the project has none."""
    return _only(session, _query(kind, project, id).with_for_update())


def key_with(session: Session, *, id: str) -> KeyRecord | None:  # noqa: A002 - the column's name
    """The API key with this id: the one row that is read without a project, because it decides it."""
    return session.get(KeyRecord, id)


def missing(session: Session, kind: type[Row], *, project: str, ids: Collection[str]) -> set[str]:
    """The ids that no row of the project has; one statement, however many there are."""
    if not ids:
        return set()
    query = select(kind.id).where(
        kind.project == project, kind.id == any_(cast(list(ids), ARRAY(Text)))
    )
    return set(ids) - set(session.scalars(query))


def require_references(
    session: Session, *, project: str, references: Iterable[IdReference]
) -> None:
    """Require that every id names a row of the project; one statement for each kind of id.

    Raises:
        InvalidRequestError: ``unknown_<kind>``, with a pointer to each id of the first such kind.
    """
    by_kind: dict[IdKind, list[IdReference]] = defaultdict(list)
    for reference in references:
        by_kind[reference.kind].append(reference)
    for kind, named in by_kind.items():
        unknown = missing(
            session, _TABLES[kind], project=project, ids={reference.id for reference in named}
        )
        if unknown:
            raise _unknown(kind, [item for item in named if item.id in unknown])


def require_undamaged(row: ModelRecord | DatasetRecord) -> None:
    """Require that no stored file of the row is damaged.

    Raises:
        ConflictError: ``blob_damaged``.
    """
    if row.state == ModelState.DAMAGED:
        raise ConflictError(
            f"a stored file of {row.id} is damaged",
            code=BlobDamagedError.code,
            remedy=f"upload the same file again; then {row.id} returns to its former state",
        )


def not_found(kind: type[Owned], id: str) -> NotFoundError:  # noqa: A002 - the column's name
    """The error for a row that the project does not have."""
    about = KINDS[kind]
    return NotFoundError(
        f"there is no {about.noun} {id}", code=f"{about.code}_not_found", remedy=about.remedy
    )


def _unknown(kind: IdKind, references: Collection[IdReference]) -> InvalidRequestError:
    """The error for ids of a request that the project does not have."""
    about = KINDS[_TABLES[kind]]
    problems = [
        FieldProblem(reference.pointer, f"there is no {about.noun} {reference.id}")
        for reference in references
    ]
    return InvalidRequestError(
        problems[0].reason,
        code=f"unknown_{about.code}",
        remedy=about.remedy,
        errors=problems[:_MOST_PROBLEMS],
    )


def _query(kind: type[Row], project: str, row_id: str) -> Select[Row]:
    query = select(kind).where(kind.id == row_id, kind.project == project)
    return query.options(undefer_group(RELATED)) if kind is ModelRecord else query


def _only(session: Session, query: Select[Row]) -> Row | None:
    rows: Any = session.scalars(query.execution_options(populate_existing=True))
    row: Row | None = rows.one_or_none()
    return row


def _required(row: Row | None, kind: type[Row], row_id: str) -> Row:
    if row is None:
        raise not_found(kind, row_id)
    return row
