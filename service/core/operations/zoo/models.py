"""The models of the zoo: created from an upload, listed, updated, deleted."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from service.core.blobs import BlobStore
from service.core.catalog import model_validation
from service.core.errors import ConflictError
from service.core.etags import require_match
from service.core.file_types import (
    EDGE_BYTES,
    NEVER_PICKLES,
    archive_members,
    kind_of,
    may_hold_pickle,
    require_form,
)
from service.core.ids import IdKind, new_id
from service.core.manifest import ModelFormat, ModelManifest, Task
from service.core.operations import model_names, owned_rows
from service.core.operations.jobs.internal_jobs import UPLOAD_PRIORITY, submit_for
from service.core.operations.new_names import require_model_name
from service.core.operations.quotas.admission import within
from service.core.operations.quotas.limits import Quota
from service.core.operations.zoo import uploads
from service.core.tables import JobRecord, JobState, ModelRecord, ModelState, UploadRecord
from service.core.tables.job import STARTED_FROM, TAUGHT_BY


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
        InvalidRequestError: The upload does not exist; ``invalid_name``.
        ConflictError: The upload is incomplete.
        RefusedUploadError: The file does not have the format that the manifest names.
    """
    require_model_name(manifest.name)
    upload = uploads.use(session, project=project, upload_id=upload_id)
    digest = upload.sha256 or ""
    require_form(*_edges(blobs, digest, upload.size_bytes), form=manifest.format)
    record = _record_of(manifest, upload, project=project)
    model_names.give_version(session, record)
    with within(session, project, Quota.MODELS, Quota.BYTES):
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


def update(
    session: Session, *, project: str, model_id: str, changes: ModelChanges, etag: str | None
) -> ModelRecord:
    """Update a model if ``etag`` is its current version.

    Raises:
        NotFoundError: ``model_not_found``.
        InvalidRequestError: ``invalid_name``.
        PreconditionRequiredError: The ETag is missing.
        PreconditionFailedError: The model has changed since.
    """
    record = owned_rows.get_locked(session, ModelRecord, project=project, id=model_id)
    require_match(record, etag)
    manifest = dict(record.manifest)
    if changes.name is not None:
        require_model_name(changes.name)
        manifest["name"] = changes.name
        model_names.rename(session, record, changes.name)
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
    if session.scalar(select(_in_use(project, model_id))):
        raise ConflictError(
            f"a running job uses {model_id}",
            code="model_in_use",
            remedy="wait for the job to finish, or cancel it",
        )
    model_names.changed_relatives(session, record)
    session.delete(record)
    session.flush()


def _in_use(project: str, model_id: str) -> Any:
    """Whether a running job measures or draws the model, learns from it or starts from it."""
    references = or_(
        JobRecord.inputs["model_id"].astext == model_id,
        JobRecord.inputs["model_ids"].has_key(model_id),
        TAUGHT_BY.has_key(model_id),
        STARTED_FROM.in_((model_id,)),
    )
    return exists().where(
        JobRecord.project == project, JobRecord.state == JobState.RUNNING, references
    )


def jobs_making(model: ModelRecord) -> list[str]:
    """The job that has yet to make a pending model; nothing for any other model."""
    if model.state != ModelState.PENDING or model.job_id is None:
        return []
    return [model.job_id]


def content_digest(record: ModelRecord, blobs: BlobStore) -> str:
    """Digest of the file to download: the upload without its pickles, or what a job wrote.

    Raises:
        ConflictError: ``model_not_ready``: its job has not finished. ``content_holds_pickle``.
        BlobDamagedError: The file is damaged.
    """
    digest = record.upload_sha256 or record.program_sha256
    if digest is None:
        raise ConflictError(
            f"{record.id} is {record.state}, so it has no file yet",
            code="model_not_ready",
            remedy="wait for the job that makes it",
        )
    if record.manifest.get("format") == ModelFormat.PT2:
        _require_no_pickle(record, digest, blobs)
    return digest


def _require_no_pickle(record: ModelRecord, digest: str, blobs: BlobStore) -> None:
    """Hand out no file that somebody's ``torch.export.load`` or ``torch.load`` would unpickle."""
    size_bytes = blobs.stamp(digest).size_bytes
    kind = kind_of(*_edges(blobs, digest, size_bytes))
    if kind in NEVER_PICKLES:
        return

    def read(start: int, length: int) -> bytes:
        return b"".join(blobs.read(digest, start=start, length=length))

    members = archive_members(read, size_bytes)
    checked = record.fingerprint is not None
    if members and not may_hold_pickle(members, raw_weights=checked):
        return
    if record.state in (ModelState.UPLOADED, ModelState.CHECKING):
        raise ConflictError(
            f"{record.id} is {record.state}, so its file may still hold a pickle",
            code="model_not_ready",
            remedy="wait for its check, after which the zoo stores the file without pickles",
        )
    raise ConflictError(
        f"the file of {record.id} holds a pickle, which the zoo never hands out",
        code="content_holds_pickle",
        remedy="upload the file again; the zoo then stores it without pickles",
    )
