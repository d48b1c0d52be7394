"""The models of the zoo: created from an upload, listed, updated, deleted."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, exists, func, or_, select
from sqlalchemy.orm import Session, defer

from service.core.blobs import BlobStore
from service.core.catalog import model_validation
from service.core.errors import ConflictError
from service.core.etags import require_match
from service.core.file_types import EDGE_BYTES, require_form
from service.core.ids import IdKind, new_id
from service.core.manifest import ModelManifest, Task
from service.core.operations import owned_rows
from service.core.operations.jobs.internal_jobs import UPLOAD_PRIORITY, submit_for
from service.core.operations.zoo import uploads
from service.core.paging import Page, page_of
from service.core.tables import JobRecord, JobState, ModelRecord, ModelState, UploadRecord
from service.core.tables.job import STARTED_FROM, TAUGHT_BY


@dataclass(frozen=True)
class ModelFilter:
    """A filter for models; None does not restrict. ``name`` matches any part of a name."""

    state: str | None = None
    task: str | None = None
    tag: str | None = None
    name: str | None = None


@dataclass(frozen=True)
class ModelChanges:
    """Changes to a model; None keeps a field."""

    name: str | None = None
    tags: tuple[str, ...] | None = None
    license: str | None = None
    task: Task | None = None


def create(
    session: Session, *, project: str, manifest: ModelManifest, upload_id: str, blobs: BlobStore
) -> ModelRecord:
    """Create a model from a finished upload; a job checks it before anything else can use it.

    Raises:
        InvalidRequestError: The upload does not exist.
        ConflictError: The upload is incomplete.
        RefusedUploadError: The file does not have the format that the manifest names.
    """
    upload = uploads.use(session, project=project, upload_id=upload_id)
    digest = upload.sha256 or ""
    require_form(*_edges(blobs, digest, upload.size_bytes), form=manifest.format)
    record = _record_of(manifest, upload, project=project)
    session.add(record)
    session.flush()
    submit_for(
        session,
        record,
        method=model_validation.SPEC.name,
        inputs={"model_id": record.id},
        priority=UPLOAD_PRIORITY,
    )
    return record


def _edges(blobs: BlobStore, digest: str, size_bytes: int) -> tuple[bytes, bytes]:
    """First and last bytes of a stored file."""
    start = max(0, size_bytes - EDGE_BYTES)
    head = b"".join(blobs.read(digest, start=0, length=EDGE_BYTES)) if size_bytes else b""
    tail = b"".join(blobs.read(digest, start=start, length=EDGE_BYTES)) if size_bytes else b""
    return head, tail


def _record_of(manifest: ModelManifest, upload: UploadRecord, *, project: str) -> ModelRecord:
    return ModelRecord(
        id=new_id(IdKind.MODEL),
        project=project,
        name=manifest.name,
        task_kind=manifest.task.kind,
        manifest=manifest.model_dump(mode="json"),
        tags=list(manifest.tags),
        filename=upload.filename,
        upload_sha256=upload.sha256,
        upload_bytes=upload.size_bytes,
    )


def page(
    session: Session, *, project: str, where: ModelFilter, after: str | None, limit: int
) -> Page[ModelRecord]:
    """Models of the project, newest first."""
    query = matching(project, where)
    if after is not None:
        query = query.where(ModelRecord.id < after)
    rows = session.scalars(query.order_by(ModelRecord.id.desc()).limit(limit + 1)).all()
    return page_of(list(rows), limit=limit)


def matching(project: str, where: ModelFilter) -> Select[ModelRecord]:
    """The query for the models that match a filter, without their layers."""
    query = select(ModelRecord).where(ModelRecord.project == project)
    query = query.options(defer(ModelRecord.layers))
    if where.state is not None:
        query = query.where(ModelRecord.state == where.state)
    if where.task is not None:
        query = query.where(ModelRecord.task_kind == where.task)
    if where.tag is not None:
        query = query.where(ModelRecord.tags.contains([where.tag]))
    if where.name is not None:
        query = query.where(func.strpos(func.lower(ModelRecord.name), where.name.lower()) > 0)
    return query


def update(
    session: Session, *, project: str, model_id: str, changes: ModelChanges, etag: str | None
) -> ModelRecord:
    """Update a model if ``etag`` is its current version.

    Raises:
        NotFoundError: ``model_not_found``.
        PreconditionRequiredError: The ETag is missing.
        PreconditionFailedError: The model has changed since.
    """
    record = owned_rows.get_locked(session, ModelRecord, project=project, id=model_id)
    require_match(record, etag)
    manifest = dict(record.manifest)
    if changes.name is not None:
        record.name = manifest["name"] = changes.name
    if changes.tags is not None:
        record.tags = manifest["tags"] = list(changes.tags)
    if changes.license is not None:
        manifest["license"] = changes.license
    if changes.task is not None:
        record.task_kind = changes.task.kind
        manifest["task"] = changes.task.model_dump(mode="json")
    record.manifest = manifest
    record.version += 1
    session.flush()
    return record


def delete(session: Session, *, project: str, model_id: str, etag: str | None) -> None:
    """Delete a model and its measurements; its bytes are deleted later.

    Raises:
        NotFoundError: ``model_not_found``.
        ConflictError: ``model_in_use``: a running job uses it.
        PreconditionRequiredError: The ETag is missing.
        PreconditionFailedError: The model has changed since.
    """
    record = owned_rows.get_locked(session, ModelRecord, project=project, id=model_id)
    require_match(record, etag)
    if session.scalar(select(_in_use(model_id))):
        raise ConflictError(
            f"a running job uses {model_id}",
            code="model_in_use",
            remedy="wait for the job to finish, or cancel it",
        )
    session.delete(record)
    session.flush()


def _in_use(model_id: str) -> Any:
    """Whether a running job measures or draws the model, learns from it or starts from it."""
    references = or_(
        JobRecord.inputs["model_id"].astext == model_id,
        JobRecord.inputs["model_ids"].has_key(model_id),
        TAUGHT_BY.has_key(model_id),
        STARTED_FROM.in_((model_id,)),
    )
    return exists().where(JobRecord.state == JobState.RUNNING, references)


def jobs_making(model: ModelRecord) -> list[str]:
    """The job that has yet to make a pending model; nothing for any other model."""
    if model.state != ModelState.PENDING or model.job_id is None:
        return []
    return [model.job_id]


def content_digest(record: ModelRecord) -> str:
    """Digest of the file that was uploaded, or that a job of the zoo wrote.

    Raises:
        ConflictError: ``model_not_ready``: its job has not finished.
    """
    digest = record.upload_sha256 or record.program_sha256
    if digest is None:
        raise ConflictError(
            f"{record.id} is {record.state}, so it has no file yet",
            code="model_not_ready",
            remedy="wait for the job that makes it",
        )
    return digest
