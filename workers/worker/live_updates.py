"""What a running job reports becomes rows: checkpoints, numbers, pictures.

The job's process is not trusted: messages are validated, and files checked, before anything is
stored.
"""

from pathlib import Path
from typing import Any

import structlog

from service.container import Zoo
from service.core.blobs import Blob
from service.core.errors import FencedError, ZooError
from service.core.operations.jobs import artifacts, lifecycle
from service.core.operations.jobs.events import append_event
from service.core.operations.zoo import blob_names
from service.core.results.live import CheckpointMessage, MetricsMessage, live_message
from service.core.tables import JobRecord
from workers.isolation.workdir import Scratch
from workers.worker.outputs import require_regular, stored

log = structlog.get_logger(__name__)


def keep_checkpoint(zoo: Zoo, job: JobRecord, message: CheckpointMessage) -> None:
    """Store the file and point the job at it; the previous one is deleted.

    Raises:
        FencedError: The job was taken away; its pointer is not touched.
    """
    blob = _stored(zoo, job, message.file)
    with zoo.transaction() as session:
        held = lifecycle.hold(session, job_id=job.id, fence=job.fence)
        before = held.checkpoint_sha256
        lifecycle.set_checkpoint(session, job_id=job.id, fence=job.fence, sha256=blob.sha256)
    if before is not None and before != blob.sha256:
        forget(zoo, before)


def forget(zoo: Zoo, sha256: str) -> None:
    """Delete stored bytes that no row names any more; during a backup, garbage collection will."""
    with zoo.transaction() as session:
        for unnamed in blob_names.deletable(session, (sha256,)):
            zoo.blobs.delete(unnamed)


def record_metrics(zoo: Zoo, job: JobRecord, message: MetricsMessage) -> None:
    """Write the numbers as an event and the pictures as artifacts, both or neither.

    Raises:
        FencedError: The job was taken away; nothing was written.
    """
    pictures = {name: _stored(zoo, job, file) for name, file in message.pictures.items()}
    data = {**message.numbers, "step": message.step}
    with zoo.transaction() as session:
        held = lifecycle.hold(session, job_id=job.id, fence=job.fence)
        artifacts.put(session, job=held, files=pictures)
        append_event(session, job.id, type="metrics", data=data)


def _stored(zoo: Zoo, job: JobRecord, name: str) -> Blob:
    """A file of ``updates``, moved into the store."""
    path: Path = Scratch.of(zoo.scratch, job.id, job.fence).updates / name
    require_regular(path)
    return stored(zoo.blobs, path)


def handle_message(zoo: Zoo, job: JobRecord, payload: dict[str, Any]) -> None:
    """Act on a checkpoint or metrics; one that cannot be stored is logged, and the job continues."""
    try:
        match live_message(payload):
            case CheckpointMessage() as message:
                keep_checkpoint(zoo, job, message)
            case MetricsMessage() as message:
                record_metrics(zoo, job, message)
    except FencedError:
        log.warning("job was taken away", job=job.id, fence=job.fence)
    except (ZooError, OSError, ValueError):
        log.exception("nothing was stored of a message", job=job.id)
