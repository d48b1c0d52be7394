"""Which stored files rows still refer to, and which may be deleted."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Select, func, inspect, select, union
from sqlalchemy.orm import InstrumentedAttribute, Session

from service.core.tables import (
    ArtifactRecord,
    DatasetRecord,
    GraphRecord,
    JobRecord,
    ModelRecord,
    UnitResponsesRecord,
    UploadRecord,
    UploadState,
)

# Held shared by every transaction that deletes files, and exclusively by a backup.
DELETION_LOCK = 7_066_014
_ROWS_AT_ONCE = 1000
DigestColumn = InstrumentedAttribute[str] | InstrumentedAttribute[str | None]
DIGEST_COLUMNS: tuple[DigestColumn, ...] = (
    ModelRecord.upload_sha256,
    ModelRecord.program_sha256,
    DatasetRecord.upload_sha256,
    DatasetRecord.packed_sha256,
    DatasetRecord.canonical_sha256,
    DatasetRecord.masks_sha256,
    GraphRecord.sha256,
    UnitResponsesRecord.sha256,
    ArtifactRecord.sha256,
    JobRecord.checkpoint_sha256,
)


def deletable(session: Session, digests: Sequence[str]) -> set[str]:
    """The digests that no row refers to; none while a backup runs.

    Delete the files before the transaction ends, so that no backup starts in between.
    """
    if not session.scalar(select(func.pg_try_advisory_xact_lock_shared(DELETION_LOCK))):
        return set()
    query = union(
        *(names.where(names.selected_columns[0].in_(digests)) for names in _names(DIGEST_COLUMNS))
    )
    return set(digests) - {str(row[0]) for row in session.execute(query)}


def all_named(session: Session) -> Iterator[str]:
    """The digest of every stored file that a row refers to, in order.

    The database may have the schema of an earlier release, which lacks later tables and columns.
    """
    columns = [column for column in DIGEST_COLUMNS if _is_stored(session, column)]
    queries = _names(columns)
    names = union(*(query.where(query.selected_columns[0].is_not(None)) for query in queries))
    result = session.execute(names.order_by("sha256").execution_options(yield_per=_ROWS_AT_ONCE))
    for row in result:
        yield str(row[0])


def naming(session: Session, sha256: str) -> tuple[str, ...]:
    """Ids of the rows that refer to a file, in order."""
    query = union(*(select(column.class_.id).where(column == sha256) for column in DIGEST_COLUMNS))
    return tuple(sorted(str(row[0]) for row in session.execute(query)))


def _is_stored(session: Session, column: DigestColumn) -> bool:
    name, tables = column.class_.__tablename__, inspect(session.connection())
    if not tables.has_table(name):
        return False
    return column.key in {stored["name"] for stored in tables.get_columns(name)}


def _names(columns: Sequence[DigestColumn]) -> Iterator[Select[Any]]:
    """Queries for the digests in each column; an upload is stored only once it is used."""
    for column in columns:
        yield select(column.label("sha256"))
    used = UploadRecord.state == UploadState.USED
    yield select(UploadRecord.sha256.label("sha256")).where(used)
