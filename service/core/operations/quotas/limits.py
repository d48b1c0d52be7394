"""What a project may use: the defaults of the settings, and the limits of single projects."""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any, cast

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from service.core.tables import QuotaRecord

QUOTA_DEFAULTS = "quota_defaults"
"""The key in ``session.info`` under which the composition root puts the defaults."""

DAY_SECONDS = 24 * 3600


class Quota(StrEnum):
    """What is limited, per project.

    ``bytes`` counts the files of models and datasets, unfinished uploads by their announced size,
    and artifacts; ``models`` also trainings that have not ended, because each makes one;
    ``job_seconds`` the time that jobs ran within the last 24 hours.
    """

    BYTES = "bytes"
    MODELS = "models"
    DATASETS = "datasets"
    IMAGES = "images"
    QUEUED_JOBS = "queued_jobs"
    RUNNING_JOBS = "running_jobs"
    JOB_SECONDS = "job_seconds"


Limits = Mapping[Quota, int | None]


def limits_of(session: Session, project: str) -> Limits:
    """The limits of a project; None means unlimited."""
    record = session.get(QuotaRecord, project, populate_existing=True)
    own = {quota: None if record is None else getattr(record, quota) for quota in Quota}
    return {
        quota: default if own[quota] is None else own[quota]
        for quota, default in defaults_of(session).items()
    }


def defaults_of(session: Session) -> Limits:
    """The limits of a project that has none of its own."""
    return cast(Limits, session.info[QUOTA_DEFAULTS])


def change(
    session: Session, *, project: str, limits: Mapping[Quota, int], reset: Collection[Quota]
) -> None:
    """Give a project limits of its own; ``reset`` ones are those of the settings again."""
    values: dict[str, Any] = {quota.value: limit for quota, limit in limits.items()}
    values |= {quota.value: None for quota in reset}
    values["updated_at"] = func.clock_timestamp()
    statement = upsert(QuotaRecord).values(project=project, **values)
    session.execute(statement.on_conflict_do_update(index_elements=["project"], set_=values))
