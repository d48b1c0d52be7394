"""The networks of the zoo: created from an upload, described, changed, removed."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, exists, func, or_, select
from sqlalchemy.orm import Session, defer

from service.core.blobs import BlobStore
from service.core.catalog import Audience
from service.core.errors import ConflictError, NotFoundError
from service.core.etags import require_match
from service.core.file_types import EDGE_BYTES, require_form
from service.core.ids import IdKind, new_id
from service.core.manifest import ModelManifest, Task
from service.core.operations.jobs import jobs
from service.core.operations.zoo import uploads
from service.core.paging import Page, page_of
from service.core.tables import JobRecord, JobState, ModelRecord, ModelState, UploadRecord
from service.core.tables.job import STARTED_FROM, TAUGHT_BY
from service.core.tracing import current_trace_id


@dataclass(frozen=True)
class ModelFilter:
    """Which models are meant; None asks for no restriction. ``name`` is a part of the name."""

    state: str | None = None
    task: str | None = None
    tag: str | None = None
    name: str | None = None


@dataclass(frozen=True)
class ModelChanges:
    """What may be changed after the upload; None leaves a field as it is."""

    name: str | None = None
    tags: tuple[str, ...] | None = None
    license: str | None = None
    task: Task | None = None


def create(
    session: Session, *, project: str, manifest: ModelManifest, upload_id: str, blobs: BlobStore
) -> ModelRecord:
    """Take a finished upload into the zoo; a job checks it before anything else may use it.

    Raises:
        InvalidRequestError: There is no such upload.
        ConflictError: Bytes of the upload are missing.
        RefusedUploadError: The file's first bytes are not those of the announced form.
    """
    upload = uploads.use(session, project=project, upload_id=upload_id)
    digest = upload.sha256 or ""
    require_form(*_edges(blobs, digest, upload.size_bytes), form=manifest.format)
    record = _record_of(manifest, upload, project=project)
    session.add(record)
    session.flush()
    job = jobs.submit(
        session,
        project=project,
        method="model_validation",
        inputs={"model_id": record.id},
        params={},
        priority=10,
        trace_id=current_trace_id(),
        audience=Audience.INTERNAL,
    )
    record.job_id = job.id
    session.flush()
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


def get(session: Session, *, project: str, model_id: str) -> ModelRecord:
    """The model.

    Raises:
        NotFoundError: ``model_not_found``.
    """
    record = session.get(ModelRecord, model_id)
    if record is None or record.project != project:
        raise NotFoundError(f"there is no model {model_id}", code="model_not_found")
    return record


def get_ready(session: Session, *, project: str, model_id: str) -> ModelRecord:
    """The model, which must be ready for use.

    Raises:
        NotFoundError: ``model_not_found``.
        ConflictError: ``model_not_ready``, naming its state.
    """
    record = get(session, project=project, model_id=model_id)
    if record.state != ModelState.READY:
        raise ConflictError(
            f"{model_id} is {record.state}, not ready",
            code="model_not_ready",
            remedy="wait for its check to end, or read its problems",
        )
    return record


def page(
    session: Session, *, project: str, where: ModelFilter, after: str | None, limit: int
) -> Page[ModelRecord]:
    """Models of the project, newest first."""
    query = matching(project, where)
    if after is not None:
        query = query.where(ModelRecord.id < after)
    found = session.scalars(query.order_by(ModelRecord.id.desc()).limit(limit + 1)).all()
    return page_of(list(found), limit=limit)


def matching(project: str, where: ModelFilter) -> Select[ModelRecord]:
    """The query of the models that a filter means; their layers are left where they are."""
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
    """Change what may be changed, if the model still is what ``etag`` says.

    Raises:
        NotFoundError: ``model_not_found``.
        PreconditionRequiredError: No ETag was given.
        PreconditionFailedError: The model has changed since.
    """
    record = _locked(session, project=project, model_id=model_id)
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
    """Remove a model and what was measured of it; its bytes are collected later.

    Raises:
        NotFoundError: ``model_not_found``.
        ConflictError: ``model_in_use``: a running job works with it.
        PreconditionRequiredError: No ETag was given.
        PreconditionFailedError: The model has changed since.
    """
    record = _locked(session, project=project, model_id=model_id)
    require_match(record, etag)
    if session.scalar(select(_works_on(model_id))):
        raise ConflictError(
            f"a running job works with {model_id}",
            code="model_in_use",
            remedy="wait for the job, or cancel it",
        )
    session.delete(record)
    session.flush()


def _works_on(model_id: str) -> Any:
    """Whether a running job names the model, as what it measures or draws, a teacher, or a start."""
    named = or_(
        JobRecord.inputs["model_id"].astext == model_id,
        JobRecord.inputs["model_ids"].has_key(model_id),
        TAUGHT_BY.has_key(model_id),
        STARTED_FROM.in_((model_id,)),
    )
    return exists().where(JobRecord.state == JobState.RUNNING, named)


def _locked(session: Session, *, project: str, model_id: str) -> ModelRecord:
    get(session, project=project, model_id=model_id)
    record = session.get(ModelRecord, model_id, with_for_update=True, populate_existing=True)
    if record is None:
        raise NotFoundError(f"there is no model {model_id}", code="model_not_found")
    return record


def content_digest(record: ModelRecord) -> str:
    """Digest of the file as it was uploaded, or as the job that made the model wrote it.

    Raises:
        ConflictError: ``model_not_ready``: a job has yet to make it.
    """
    digest = record.upload_sha256 or record.program_sha256
    if digest is None:
        raise ConflictError(f"{record.id} is {record.state}", code="model_not_ready")
    return digest
