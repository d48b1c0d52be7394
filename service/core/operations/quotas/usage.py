"""What a project uses of each quota, counted from the rows."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session

from service.core.catalog import MethodKind, methods_of
from service.core.operations.quotas.limits import DAY_SECONDS, Quota
from service.core.tables import (
    ArtifactRecord,
    DatasetRecord,
    JobRecord,
    JobRunRecord,
    JobState,
    ModelRecord,
    UploadRecord,
    UploadState,
)

ACTIVE = (JobState.QUEUED, JobState.RUNNING)


def used(session: Session, project: str, quota: Quota) -> int:
    """How much of a quota the project uses."""
    return int(session.scalar(select(_USED[quota](project))) or 0)


def _bytes(project: str) -> ColumnElement[Any]:
    uploading = _sum(UploadRecord, UploadRecord.size_bytes, project)
    sums = (
        _sum(ModelRecord, ModelRecord.upload_bytes, project),
        _sum(DatasetRecord, DatasetRecord.upload_bytes, project),
        uploading.where(UploadRecord.state != UploadState.USED),
        _sum(ArtifactRecord, ArtifactRecord.size_bytes, project),
    )
    first, *others = (part.scalar_subquery() for part in sums)
    total: ColumnElement[Any] = first
    for part in others:
        total = total + part
    return total


def _sum(table: Any, column: Any, project: str) -> Select[Any]:
    return select(func.coalesce(func.sum(column), 0)).where(table.project == project)


def _models(project: str) -> ColumnElement[Any]:
    kinds = (MethodKind.TRAINING, MethodKind.READER_TRAINING, MethodKind.CASCADE_TRAINING)
    trainings = [spec.name for kind in kinds for spec in methods_of(kind)]
    coming = _jobs(project, *ACTIVE).where(JobRecord.method.in_(trainings))
    return _count(ModelRecord, project).scalar_subquery() + coming.scalar_subquery()


def _datasets(project: str) -> ColumnElement[Any]:
    return _count(DatasetRecord, project).scalar_subquery()


def _images(project: str) -> ColumnElement[Any]:
    return _sum(DatasetRecord, DatasetRecord.images, project).scalar_subquery()


def _queued(project: str) -> ColumnElement[Any]:
    return _jobs(project, JobState.QUEUED).scalar_subquery()


def _running(project: str) -> ColumnElement[Any]:
    return _jobs(project, JobState.RUNNING).scalar_subquery()


def _seconds(project: str) -> ColumnElement[Any]:
    recent = select(seconds_today()).where(JobRunRecord.project == project, ran_today())
    return func.ceil(recent.scalar_subquery())


def _count(table: Any, project: str) -> Select[Any]:
    return select(func.count()).select_from(table).where(table.project == project)


def _jobs(project: str, *states: JobState) -> Select[Any]:
    return _count(JobRecord, project).where(JobRecord.state.in_(states))


def ran_today() -> ColumnElement[bool]:
    """The condition that a run lies at least partly within the last 24 hours."""
    start = func.clock_timestamp() - timedelta(seconds=DAY_SECONDS)
    return or_(JobRunRecord.ended_at.is_(None), JobRunRecord.ended_at > start)


def seconds_today() -> ColumnElement[Any]:
    """The seconds of the selected runs within the last 24 hours."""
    now = func.clock_timestamp()
    start = func.greatest(JobRunRecord.started_at, now - timedelta(seconds=DAY_SECONDS))
    length = func.extract("epoch", func.coalesce(JobRunRecord.ended_at, now) - start)
    return func.coalesce(func.sum(length), 0)


_USED: Mapping[Quota, Callable[[str], ColumnElement[Any]]] = {
    Quota.BYTES: _bytes,
    Quota.MODELS: _models,
    Quota.DATASETS: _datasets,
    Quota.IMAGES: _images,
    Quota.QUEUED_JOBS: _queued,
    Quota.RUNNING_JOBS: _running,
    Quota.JOB_SECONDS: _seconds,
}
