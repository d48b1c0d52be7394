"""Reads the history of a zoo at rest: its rows, the files that they name, folders and processes."""

import contextlib
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace

import psutil
from sqlalchemy import func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from service.container import Zoo
from service.core.errors import ZooError
from service.core.operations.zoo.blob_names import DIGEST_COLUMNS
from service.core.tables import ImageRecord, JobEventRecord, JobRecord, JobRunRecord, ModelRecord
from tests.chaos.cluster import Chaos
from tests.chaos.history import BlobStatus, EventRow, JobRow, ModelRow, RunRow, ZooHistory
from tests.chaos.probes import silent_services


def history_of(chaos: Chaos, processes: Sequence[psutil.Process]) -> ZooHistory:
    """Everything that the rules read; ``processes`` should all have ended."""
    zoo = chaos.cluster.zoo
    with zoo.transaction() as session:
        digests = sorted(_digests(session))
        rows = ZooHistory(
            jobs=tuple(_jobs(session)),
            events=tuple(_events(session)),
            runs=tuple(_runs(session)),
            models=tuple(_models(session)),
        )
    return replace(
        rows,
        blobs={digest: status_of(zoo, digest) for digest in digests},
        scratch=[folder.name for folder in sorted(zoo.scratch.iterdir())],
        processes=[_described(process) for process in processes if is_alive(process)],
        silent_services=silent_services(chaos),
        crashes=tuple(chaos.crashes),
    )


def _jobs(session: Session) -> Iterator[JobRow]:
    live = JobRecord.lease_until > func.clock_timestamp()
    for job, has_live_lease in session.execute(select(JobRecord, live)):
        yield JobRow(
            id=job.id,
            state=job.state,
            events=job.events,
            attempts=job.attempts,
            max_attempts=job.max_attempts,
            fence=job.fence,
            has_live_lease=bool(has_live_lease),
            has_result=job.result is not None,
        )


def _events(session: Session) -> Iterator[EventRow]:
    query = select(JobEventRecord.job_id, JobEventRecord.seq, JobEventRecord.type)
    yield from (EventRow(*row) for row in session.execute(query))


def _runs(session: Session) -> Iterator[RunRow]:
    columns = (JobRunRecord.job_id, JobRunRecord.fence)
    query = select(*columns, JobRunRecord.started_at, JobRunRecord.ended_at)
    yield from (RunRow(*row) for row in session.execute(query))


def _models(session: Session) -> Iterator[ModelRow]:
    """The models that jobs make; a job names the model of each training in its inputs."""
    made = JobRecord.inputs["model_id"].as_string()
    query = select(ModelRecord.id, ModelRecord.state, JobRecord.id).join(
        JobRecord, made == ModelRecord.id
    )
    yield from (ModelRow(*row) for row in session.execute(query))


def _digests(session: Session) -> set[str]:
    """The digests of all files that rows name; those of images lie inside packed files."""
    columns: list[InstrumentedAttribute[str] | InstrumentedAttribute[str | None]]
    columns = [column for column in DIGEST_COLUMNS if column is not ImageRecord.sha256]
    queries = [select(column).where(column.is_not(None)) for column in columns]
    return {str(digest) for query in queries for digest in session.scalars(query)}


def status_of(zoo: Zoo, digest: str) -> BlobStatus:
    """Whether the store holds the bytes of a digest."""
    actual = hashlib.sha256()
    try:
        for chunk in zoo.blobs.read(digest):
            actual.update(chunk)
    except ZooError:
        return BlobStatus.MISSING
    return BlobStatus.INTACT if actual.hexdigest() == digest else BlobStatus.DAMAGED


def is_alive(process: psutil.Process) -> bool:
    """Whether a process still runs; a zombie only waits for its parent to look."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def _described(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error):
        return f"pid {process.pid} ({process.name()}, {process.status()})"
    return f"pid {process.pid}"
