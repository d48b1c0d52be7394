"""Removes expired uploads and sessions, old responses, events and audit rows, and abandoned scratch folders."""

import shutil
from datetime import timedelta
from pathlib import Path

import structlog
from sqlalchemy import delete, func, select

from service.container import Zoo
from service.core.operations import project_events
from service.core.operations.access import audit, sessions
from service.core.operations.zoo import uploads
from service.core.tables import IdempotencyRecord, JobRecord, JobState

log = structlog.get_logger(__name__)

RESPONSE_RETENTION = timedelta(hours=24)
AUDIT_ROWS_AT_ONCE = 5000
# The rest waits for the next round, so that lost jobs need not wait for it.
AUDIT_BATCHES = 20


def remove_expired(zoo: Zoo) -> None:
    """Remove everything that has expired."""
    with zoo.transaction() as session:
        expired = uploads.discard_expired(session)
        sessions.remove_expired(session)
        project_events.remove_expired(session)
        session.execute(
            delete(IdempotencyRecord).where(
                IdempotencyRecord.created_at < func.clock_timestamp() - RESPONSE_RETENTION
            )
        )
    audited = _remove_old_audit(zoo)
    for upload_id in expired:
        for file in zoo.staging.glob(f"{upload_id}*"):
            file.unlink(missing_ok=True)
    removed = [folder.name for folder in abandoned_scratch(zoo)]
    for name in removed:
        shutil.rmtree(zoo.scratch / name, ignore_errors=True)
    if expired or removed or audited:
        log.info("removed expired data", uploads=len(expired), scratch=len(removed), audit=audited)


def _remove_old_audit(zoo: Zoo) -> int:
    """Delete rows of the audit log that are old enough, batch by batch; their number."""
    days, total = zoo.settings.audit_retention_days, 0
    for _ in range(AUDIT_BATCHES):
        with zoo.transaction() as session:
            deleted = audit.delete_older(session, days=days, at_most=AUDIT_ROWS_AT_ONCE)
        total += deleted
        if deleted < AUDIT_ROWS_AT_ONCE:
            break
    return total


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
