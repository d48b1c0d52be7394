"""One job's life on a worker: claim, stage, run in a child, record, finish.

Every failure ends in one of a few outcomes here, and nowhere else.
"""

import os
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog

from service.core.errors import FencedError, UnavailableError, ZooError
from service.core.operations import job_lifecycle
from service.core.operations.job_lifecycle import EXPIRED, Ending, Outcome
from service.core.records import JobRecord
from service.core.tracing import follow, new_trace_id
from service.wiring import Zoo
from workers import interim, recording, staging
from workers.adoption import Harvest, adopt
from workers.cradle import Child, Cradle
from workers.scratch import Scratch
from workers.supervisor import DATABASE_ERRORS, Lease, Stop, Watch, kept, watch

log = structlog.get_logger(__name__)

LARGE_SHARE_OF_MEMORY = 0.5
SECONDS_BETWEEN_WRITES = 1.0
OUT_OF_MEMORY = {
    "code": "out_of_memory",
    "detail": "the job was ended because memory ran out",
    "remedy": "use fewer or smaller images, a smaller network, or a larger machine",
}
INTERNAL = {
    "code": "internal",
    "detail": "the worker met an error of its own",
    "remedy": "retry the job; if it fails again, report it with the trace in the worker's log",
}


_STOPPED = {
    Stop.CANCELLED: Outcome(Ending.CANCELLED),
    Stop.RELEASED: Outcome(Ending.RELEASED),
    Stop.EXPIRED: Outcome(Ending.FAILED, error=EXPIRED),
}


@dataclass(frozen=True)
class Post:
    """Where jobs are run: the zoo, the nursery, and whether jobs must be given back now."""

    zoo: Zoo
    cradle: Cradle
    stopping: Callable[[], bool]

    @property
    def name(self) -> str:
        """How this worker signs its claims."""
        return f"{socket.gethostname()}:{os.getpid()}"


def run_next(post: Post) -> bool:
    """Run the best claimable job of this worker's queues to its end; False when there was none."""
    settings = post.zoo.settings
    with post.zoo.transaction() as session:
        job = job_lifecycle.claim(
            session,
            worker=post.name,
            queues=settings.queues,
            lease_seconds=settings.lease_seconds,
            running_seconds=settings.job_seconds,
        )
    if job is None:
        return False
    follow(job.trace_id or new_trace_id())
    scratch = scratch_of(post, job)
    started = time.monotonic()
    log.info("job claimed", job=job.id, method=job.method, attempt=job.attempts)
    try:
        _attempt(post, job, scratch)
    finally:
        scratch.remove()
        seconds = round(time.monotonic() - started, 3)
        log.info("job left", job=job.id, fence=job.fence, seconds=seconds)
    return True


def scratch_of(post: Post, job: JobRecord) -> Scratch:
    """The folder of this attempt."""
    return Scratch.of(post.zoo.scratch, job.id, job.fence)


def _attempt(post: Post, job: JobRecord, scratch: Scratch) -> None:
    """One attempt, whatever comes of it; a job that was lost meanwhile is left alone."""
    lease = Lease.of(post.zoo, job)
    try:
        outcome = _outcome(post, job, lease, scratch)
        if outcome is not None:
            _finish(post, job, lease, outcome)
    except FencedError:
        log.warning("job was taken away", job=job.id, fence=job.fence)
    except DATABASE_ERRORS:
        # Nobody can be told; the lease runs out and the reaper gives the job to somebody else.
        log.exception("the database was lost; the job will be taken over", job=job.id)


def _outcome(post: Post, job: JobRecord, lease: Lease, scratch: Scratch) -> Outcome | None:
    """How the attempt ended, before anything is recorded; None when the job is no longer ours."""
    try:
        with kept(lease):
            staging.stage(post.zoo, job, scratch)
            child = post.cradle.fork(_order(post.zoo, scratch))
        return _lived(post, job, lease, child)
    except DATABASE_ERRORS:
        raise
    except ZooError as error:
        return _failure(error)
    except OSError as error:
        log.exception("the worker failed", job=job.id)
        detail = f"the worker could not serve the job: {error.strerror}"
        return Outcome(Ending.LOST, error={**INTERNAL, "code": "worker_failed", "detail": detail})
    except Exception:
        log.exception("the worker failed", job=job.id)
        return Outcome(Ending.LOST, error=INTERNAL)


def _lived(post: Post, job: JobRecord, lease: Lease, child: Child) -> Outcome | None:
    """What came of a child; none is left behind, whatever happens here."""
    try:
        seen = watch(
            child,
            lease,
            post.cradle,
            stopping=post.stopping,
            hear=partial(_heard, post, job),
        )
    finally:
        post.cradle.signal(child, signal.SIGKILL)
        child.close()
    return _judge(job, child, seen)


def _heard(post: Post, job: JobRecord, message: dict[str, Any]) -> None:
    """Keep what the child leaves on the way; without a database the next one will do."""
    try:
        interim.hear(post.zoo, job, message)
    except DATABASE_ERRORS:
        log.exception("the database was away", job=job.id)


def _order(zoo: Zoo, scratch: Scratch) -> dict[str, Any]:
    """What a child is told at birth."""
    settings = zoo.settings
    return {
        "life": "job",
        "folder": str(scratch.folder),
        "cpu_seconds": int(settings.job_seconds * settings.worker_threads) + 60,
        "threads": settings.worker_threads,
        "device": settings.device.value,
        "hardened": settings.hardened,
    }


def _judge(job: JobRecord, child: Child, seen: Watch) -> Outcome | None:
    """What the end of a child means for its job."""
    if seen.stopped is Stop.FENCED:
        return None
    if seen.stopped is not None:
        return _STOPPED[seen.stopped]
    last = seen.last or {}
    if last.get("kind") == "done" and child.status == 0:
        return Outcome(Ending.SUCCEEDED)
    if last.get("kind") == "error":
        log.warning("job failed", job=job.id, error=last["error"], trace=last.get("trace"))
        return Outcome(Ending.LOST if last.get("again") else Ending.FAILED, error=last["error"])
    log.warning("child died", job=job.id, status=child.status, peak_bytes=child.peak_bytes)
    return _died(child)


def _died(child: Child) -> Outcome:
    """The outcome for a child that ended without a word."""
    if child.status == -signal.SIGXCPU:
        return Outcome(Ending.FAILED, error=EXPIRED)
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if child.status == -signal.SIGKILL and child.peak_bytes > LARGE_SHARE_OF_MEMORY * memory:
        return Outcome(Ending.LOST, error=OUT_OF_MEMORY)
    error = {
        "code": "child_lost",
        "detail": f"the process that ran the job ended with {_ending_of(child)}",
        "remedy": "look at the worker's log, then retry the job",
    }
    return Outcome(Ending.LOST, error=error)


def _ending_of(child: Child) -> str:
    """An exit status in words."""
    if child.status is None:
        return "its nursery"
    if child.status < 0:
        return signal.Signals(-child.status).name
    return f"status {child.status}"


def _finish(post: Post, job: JobRecord, lease: Lease, outcome: Outcome) -> None:
    """Store what was made, then write results and state in one transaction. Raises FencedError."""
    zoo, harvest = post.zoo, None
    if outcome.ending is Ending.SUCCEEDED:
        try:
            with kept(lease):
                harvest = adopt(zoo.blobs, scratch_of(post, job))
        except ZooError as error:
            outcome = _failure(error)
        except OSError as error:
            log.exception("storing failed", job=job.id)
            detail = f"the result could not be stored: {error.strerror}"
            outcome = Outcome(Ending.LOST, error={"code": "storing_failed", "detail": detail})
    _patiently(zoo, lambda: _write(zoo, job, outcome, harvest))


def _write(zoo: Zoo, job: JobRecord, outcome: Outcome, harvest: Harvest | None) -> None:
    """One finishing transaction; a result that cannot be recorded is no success."""
    if harvest is not None:
        try:
            with zoo.transaction() as session:
                recording.record(session, job, harvest)
        except (FencedError, *DATABASE_ERRORS):
            raise
        except ZooError as error:
            outcome = _failure(error)
        except Exception:
            log.exception("recording failed", job=job.id)
            outcome = Outcome(Ending.LOST, error=INTERNAL)
        else:
            return
    with zoo.transaction() as session:
        job_lifecycle.finish(session, job_id=job.id, fence=job.fence, outcome=outcome)


def _patiently(zoo: Zoo, write: Callable[[], None]) -> None:
    """Write, again and again while the database is away, until the lease has surely run out."""
    give_up_at = time.monotonic() + zoo.settings.lease_seconds
    while True:
        try:
            return write()
        except DATABASE_ERRORS:
            if time.monotonic() >= give_up_at:
                raise
            time.sleep(SECONDS_BETWEEN_WRITES)


def _failure(error: ZooError) -> Outcome:
    """The end of an attempt by a typed error: final, unless something was away for a while."""
    ending = Ending.LOST if isinstance(error, UnavailableError) else Ending.FAILED
    details = {"code": error.code, "detail": error.detail, "remedy": error.remedy}
    return Outcome(ending, error=details)
