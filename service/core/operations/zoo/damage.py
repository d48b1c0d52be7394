"""Damaged files: what needs them, and what happens when the same bytes are stored again.

A model or dataset that needs a damaged file is ``damaged``. It returns to its former state when the
file is stored again, and is checked again when only the upload is: files made of it are then made
again. Graphs and responses are forgotten, so that they are measured again, and results are no
longer reused.
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import delete, exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from service.core.catalog import dataset_ingestion, model_validation
from service.core.errors import BlobDamagedError
from service.core.operations.jobs.internal_jobs import UPLOAD_PRIORITY, submit_for
from service.core.operations.zoo import blob_names
from service.core.tables import (
    ArtifactRecord,
    DamagedBlobRecord,
    DatasetRecord,
    DatasetState,
    GraphRecord,
    JobRecord,
    ModelRecord,
    ModelState,
    UnitResponsesRecord,
)

Checked = ModelRecord | DatasetRecord
_UNCHECKED = (ModelState.UPLOADED, ModelState.CHECKING)
_REMEDY = "upload the same file again; then {} returns to its former state"


def record(session: Session, sha256: str) -> None:
    """Record that a stored file is damaged; a second call changes nothing."""
    session.execute(
        insert(DamagedBlobRecord).values(sha256=sha256).on_conflict_do_nothing(),
    )
    for row in _needing(session, sha256):
        if row.state != ModelState.DAMAGED and sha256 in _needed(row):
            _mark(row, sha256)
    for measured in (GraphRecord, UnitResponsesRecord):
        session.execute(delete(measured).where(measured.sha256 == sha256))
    _forget_results(session, sha256)


def repaired(session: Session, sha256: str) -> None:
    """Record that these bytes are stored and whole."""
    if not session.scalar(select(exists().select_from(DamagedBlobRecord))):
        return
    session.execute(delete(DamagedBlobRecord).where(DamagedBlobRecord.sha256 == sha256))
    for row in _needing(session, sha256):
        if row.state == ModelState.DAMAGED:
            _restore(session, row, sha256)


def forget_unnamed(session: Session, digests: Iterable[str]) -> set[str]:
    """The damaged files, these and the recorded ones, that no row refers to; they are forgotten."""
    damaged = set(digests) | set(session.scalars(select(DamagedBlobRecord.sha256)))
    unnamed = blob_names.deletable(session, sorted(damaged))
    session.execute(delete(DamagedBlobRecord).where(DamagedBlobRecord.sha256.in_(unnamed)))
    return unnamed


def count(session: Session) -> int:
    """Number of damaged files."""
    return session.scalar(select(func.count()).select_from(DamagedBlobRecord)) or 0


def of(session: Session, digests: Iterable[str]) -> set[str]:
    """Those of the digests whose files are damaged."""
    column = DamagedBlobRecord.sha256
    return set(session.scalars(select(column).where(column.in_(list(digests)))))


def _needing(session: Session, sha256: str) -> Sequence[Checked]:
    """Every model and dataset that names the file, locked."""
    models = select(ModelRecord).where(
        or_(ModelRecord.upload_sha256 == sha256, ModelRecord.program_sha256 == sha256)
    )
    datasets = select(DatasetRecord).where(
        or_(
            DatasetRecord.upload_sha256 == sha256,
            DatasetRecord.packed_sha256 == sha256,
            DatasetRecord.canonical_sha256 == sha256,
            DatasetRecord.masks_sha256 == sha256,
        )
    )
    return [
        *session.scalars(models.order_by(ModelRecord.id).with_for_update()),
        *session.scalars(datasets.order_by(DatasetRecord.id).with_for_update()),
    ]


def _needed(row: Checked) -> set[str]:
    """Digests of the files that the row promises; without them it is damaged."""
    if isinstance(row, ModelRecord):
        digests = {row.upload_sha256, row.program_sha256}
    elif (row.undamaged_state or row.state) == DatasetState.READY:
        digests = {
            row.upload_sha256,
            row.packed_sha256,
            row.canonical_sha256,
            row.masks_sha256,
        }
    else:
        digests = {row.upload_sha256}
    return {digest for digest in digests if digest is not None}


def _mark(row: Checked, sha256: str) -> None:
    """Make the row damaged, with the reason among its problems."""
    error = BlobDamagedError(sha256)
    problem = {"code": error.code, "detail": error.detail, "remedy": _REMEDY.format(row.id)}
    row.undamaged_state, row.state = row.state, ModelState.DAMAGED
    row.problems = [*row.problems, problem]
    row.version += 1


def _restore(session: Session, row: Checked, sha256: str) -> None:
    """Return the row to its former state, or have its upload checked again."""
    damaged = of(session, _needed(row))
    if damaged and row.upload_sha256 not in {sha256} - damaged:
        return
    former = row.undamaged_state or ModelState.UPLOADED
    row.undamaged_state = None
    row.problems = [p for p in row.problems if p.get("code") != BlobDamagedError.code]
    row.version += 1
    row.state = former
    if damaged or former in _UNCHECKED:
        _check_again(session, row)
    session.flush()


def _check_again(session: Session, row: Checked) -> None:
    """Submit the job that checks the upload."""
    row.state = ModelState.UPLOADED
    is_model = isinstance(row, ModelRecord)
    spec = model_validation.SPEC if is_model else dataset_ingestion.SPEC
    submit_for(
        session,
        row,
        method=spec.name,
        inputs={"model_id" if is_model else "dataset_id": row.id},
        priority=UPLOAD_PRIORITY,
    )


def _forget_results(session: Session, sha256: str) -> None:
    """Keep the damaged file of a job from being looked up, and the job from being reused."""
    damaged = select(ArtifactRecord.job_id).where(ArtifactRecord.sha256 == sha256)
    session.execute(
        update(JobRecord)
        .where(JobRecord.id.in_(damaged), JobRecord.cache_key.is_not(None))
        .values(cache_key=None)
        .execution_options(synchronize_session=False)
    )
    session.execute(
        update(ArtifactRecord)
        .where(ArtifactRecord.sha256 == sha256, ArtifactRecord.cache_key.is_not(None))
        .values(cache_key=None)
        .execution_options(synchronize_session=False)
    )
