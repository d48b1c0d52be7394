"""Removes expired uploads, old idempotency responses and abandoned scratch folders."""

import shutil
from datetime import timedelta
from pathlib import Path

import structlog
from sqlalchemy import delete, func, select

from service.container import Zoo
from service.core.operations.zoo import uploads
from service.core.tables import IdempotencyRecord, JobRecord, JobState

log = structlog.get_logger(__name__)

RESPONSE_RETENTION = timedelta(hours=24)


def remove_expired(zoo: Zoo) -> None:
    """Remove everything that has expired."""
    with zoo.transaction() as session:
        expired = uploads.discard_expired(session)
        session.execute(
            delete(IdempotencyRecord).where(
                IdempotencyRecord.created_at < func.clock_timestamp() - RESPONSE_RETENTION
            )
        )
    for upload_id in expired:
        for file in zoo.staging.glob(f"{upload_id}*"):
            file.unlink(missing_ok=True)
    removed = [folder.name for folder in abandoned_scratch(zoo)]
    for name in removed:
        shutil.rmtree(zoo.scratch / name, ignore_errors=True)
    if expired or removed:
        log.info("removed expired data", uploads=len(expired), scratch=len(removed))


def abandoned_scratch(zoo: Zoo) -> list[Path]:
    """Scratch folders of this machine whose attempt is over.

    A worker creates a folder only after it commits its claim, so the database knows every running
    attempt.
    """
    folders = list(zoo.scratch.iterdir())
    ids = {path.name.rpartition(".")[0] for path in folders}
    with zoo.transaction() as session:
        running = select(JobRecord.id, JobRecord.fence).where(
            JobRecord.state == JobState.RUNNING, JobRecord.id.in_(ids)
        )
        held = {f"{job_id}.{fence}" for job_id, fence in session.execute(running)}
    return [path for path in folders if path.name not in held]
