"""What a running child leaves on the way becomes rows: checkpoints, numbers, pictures.

The child is not trusted: names, numbers and files are checked before anything is stored.
"""

import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import structlog

from service.container import Zoo
from service.core.blobs import Blob
from service.core.errors import FencedError, ZooError
from service.core.operations.jobs import artifacts, lifecycle
from service.core.operations.jobs.events import append_event
from service.core.operations.zoo import blob_names
from service.core.tables import JobRecord
from workers.isolation.workdir import Scratch
from workers.worker.outputs import require_regular, stored

log = structlog.get_logger(__name__)

_FILE = re.compile(r"(checkpoint|picture)-[0-9]{1,9}\.(safetensors|png)")
_PICTURE = re.compile(r"[a-z_]{1,60}\.png")
_NUMBER = re.compile(r"[a-z][a-z0-9_]{0,60}")
_MOST_NUMBERS = 50
_MOST_PICTURES = 10


def keep_checkpoint(zoo: Zoo, job: JobRecord, message: Mapping[str, Any]) -> None:
    """Store the file and point the job at it; the one before is forgotten.

    Raises:
        FencedError: The job was taken away; its pointer is not touched.
    """
    blob = _taken(zoo, job, message.get("file"))
    with zoo.transaction() as session:
        held = lifecycle.hold(session, job_id=job.id, fence=job.fence)
        before = held.checkpoint_sha256
        lifecycle.set_checkpoint(session, job_id=job.id, fence=job.fence, sha256=blob.sha256)
    if before is not None and before != blob.sha256:
        forget(zoo, before)


def forget(zoo: Zoo, sha256: str) -> None:
    """Delete stored bytes that no row names any more."""
    with zoo.transaction() as session:
        if blob_names.named(session, (sha256,)):
            return
    zoo.blobs.delete(sha256)


def tell_metrics(zoo: Zoo, job: JobRecord, message: Mapping[str, Any]) -> None:
    """Write the numbers as an event and the pictures as artifacts, both or neither.

    Raises:
        FencedError: The job was taken away; nothing was written.
    """
    pictures = {
        name: _taken(zoo, job, file)
        for name, file in list(_mapping(message.get("pictures")).items())[:_MOST_PICTURES]
        if _PICTURE.fullmatch(name)
    }
    data = {"step": int(message.get("step") or 0), **_numbers(_mapping(message.get("numbers")))}
    with zoo.transaction() as session:
        held = lifecycle.hold(session, job_id=job.id, fence=job.fence)
        artifacts.put(session, job=held, files=pictures)
        append_event(session, job.id, type="metrics", data=data)


def _numbers(given: Mapping[str, Any]) -> dict[str, float]:
    """Those entries that are named, finite numbers."""
    fit = {
        name: float(value)
        for name, value in given.items()
        if _NUMBER.fullmatch(name) and isinstance(value, int | float) and math.isfinite(value)
    }
    return dict(list(fit.items())[:_MOST_NUMBERS])


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _taken(zoo: Zoo, job: JobRecord, name: Any) -> Blob:
    """A file of ``kept``, moved into the store."""
    if not isinstance(name, str) or not _FILE.fullmatch(name):
        raise ZooError("the child named a file that cannot be its own", code="invalid_message")
    path: Path = Scratch.of(zoo.scratch, job.id, job.fence).kept / name
    require_regular(path)
    return stored(zoo.blobs, path)


_HANDLERS: dict[str, Callable[[Zoo, JobRecord, Mapping[str, Any]], None]] = {
    "checkpoint": keep_checkpoint,
    "metrics": tell_metrics,
}


def hear(zoo: Zoo, job: JobRecord, message: Mapping[str, Any]) -> None:
    """Act on a message, if it is of this kind; what cannot be kept is logged, and the job goes on."""
    handler = _HANDLERS.get(str(message.get("kind")))
    if handler is None:
        return
    try:
        handler(zoo, job, message)
    except FencedError:
        log.warning("job was taken away", job=job.id, fence=job.fence)
    except (ZooError, OSError, TypeError, ValueError):
        log.exception("nothing was kept of a message", job=job.id, kind=message.get("kind"))
