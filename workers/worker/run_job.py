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

from service.container import Zoo
from service.core.catalog import method_named
from service.core.errors import FencedError, UnavailableError, ZooError
from service.core.operations.jobs import lifecycle
from service.core.operations.jobs.lifecycle import EXPIRED, AttemptStatus, Outcome
from service.core.results import JobResult, ResultScope
from service.core.results.live import DoneMessage, ErrorMessage
from service.core.tables import JobRecord
from service.core.tracing import follow, new_trace_id
from workers.isolation.fork_client import Child, ForkServerClient
from workers.isolation.workdir import Scratch
from workers.worker import live_updates
from workers.worker.lease import DATABASE_ERRORS, ChildResult, Lease, StopReason, kept, watch
from workers.worker.outputs import JobOutput, collect_outputs
from workers.worker.record import results
from workers.worker.stage import inputs

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
    StopReason.CANCELLED: Outcome(AttemptStatus.CANCELLED),
    StopReason.RELEASED: Outcome(AttemptStatus.RELEASED),
    StopReason.EXPIRED: Outcome(AttemptStatus.FAILED, error=EXPIRED),
}


@dataclass(frozen=True)
class WorkerContext:
    """Where jobs are run: the zoo, the nursery, and whether jobs must be given back now."""

    zoo: Zoo
    fork_server: ForkServerClient
    stopping: Callable[[], bool]

    @property
    def name(self) -> str:
        """How this worker signs its claims."""
        return f"{socket.gethostname()}:{os.getpid()}"


def run_next(post: WorkerContext) -> bool:
    """Run the best claimable job of this worker's queues to its end; False when there was none."""
    settings = post.zoo.settings
    with post.zoo.transaction() as session:
        job = lifecycle.claim(
            session,
            worker=post.name,
            queues=settings.queues,
            lease_seconds=settings.lease_seconds,
            running_seconds=settings.job_timeout_seconds,
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


def scratch_of(post: WorkerContext, job: JobRecord) -> Scratch:
    """The folder of this attempt."""
    return Scratch.of(post.zoo.scratch, job.id, job.fence)


def _attempt(post: WorkerContext, job: JobRecord, scratch: Scratch) -> None:
    """One attempt, whatever comes of it; a job that was lost meanwhile is left alone."""
    lease = Lease.of(post.zoo, job)
    try:
        scope, outcome = _outcome(post, job, lease, scratch)
        if outcome is not None:
            _finish(post, job, lease, outcome, scope=scope)
    except FencedError:
        log.warning("job was taken away", job=job.id, fence=job.fence)
    except DATABASE_ERRORS:
        # Nobody can be told; the lease runs out and the reaper gives the job to somebody else.
        log.exception("the database was lost; the job will be taken over", job=job.id)


def _outcome(
    post: WorkerContext, job: JobRecord, lease: Lease, scratch: Scratch
) -> tuple[ResultScope, Outcome | None]:
    """What the result may name, and how the attempt ended; None when the job is no longer ours."""
    scope = ResultScope()
    try:
        with kept(lease):
            scope = inputs.stage(post.zoo, job, scratch)
            child = post.fork_server.fork(_order(post.zoo, scratch))
        return scope, _lived(post, job, lease, child)
    except DATABASE_ERRORS:
        raise
    except ZooError as error:
        return scope, _failure(error)
    except OSError as error:
        log.exception("the worker failed", job=job.id)
        detail = f"the worker could not serve the job: {error.strerror}"
        lost = {**INTERNAL, "code": "worker_failed", "detail": detail}
        return scope, Outcome(AttemptStatus.LOST, error=lost)
    except Exception:
        log.exception("the worker failed", job=job.id)
        return scope, Outcome(AttemptStatus.LOST, error=INTERNAL)


def _lived(post: WorkerContext, job: JobRecord, lease: Lease, child: Child) -> Outcome | None:
    """What came of a child; none is left behind, whatever happens here."""
    try:
        seen = watch(
            child,
            lease,
            post.fork_server,
            stopping=post.stopping,
            hear=partial(_heard, post, job),
        )
    finally:
        post.fork_server.signal(child, signal.SIGKILL)
        child.close()
    return _judge(job, child, seen)


def _heard(post: WorkerContext, job: JobRecord, message: dict[str, Any]) -> None:
    """Keep what the child leaves on the way; without a database the next one will do."""
    try:
        live_updates.handle_message(post.zoo, job, message)
    except DATABASE_ERRORS:
        log.exception("the database was away", job=job.id)


def _order(zoo: Zoo, scratch: Scratch) -> dict[str, Any]:
    """What a child is told at birth."""
    settings = zoo.settings
    return {
        "life": "job",
        "folder": str(scratch.folder),
        "cpu_seconds": int(settings.job_timeout_seconds * settings.worker_threads) + 60,
        "threads": settings.worker_threads,
        "device": settings.device.value,
        "require_sandbox": settings.require_sandbox,
    }


def _judge(job: JobRecord, child: Child, seen: ChildResult) -> Outcome | None:
    """What the end of a child means for its job."""
    if seen.stopped is StopReason.FENCED:
        return None
    if seen.stopped is not None:
        return _STOPPED[seen.stopped]
    if isinstance(seen.last, DoneMessage) and child.status == 0:
        return Outcome(AttemptStatus.SUCCEEDED)
    if isinstance(seen.last, ErrorMessage):
        error = seen.last.error.model_dump()
        log.warning("job failed", job=job.id, error=error, trace=seen.last.trace)
        status = AttemptStatus.LOST if seen.last.again else AttemptStatus.FAILED
        return Outcome(status, error=error)
    log.warning("child died", job=job.id, status=child.status, peak_bytes=child.peak_bytes)
    return _died(child)


def _died(child: Child) -> Outcome:
    """The outcome for a child that ended without a word."""
    if child.status == -signal.SIGXCPU:
        return Outcome(AttemptStatus.FAILED, error=EXPIRED)
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if child.status == -signal.SIGKILL and child.peak_bytes > LARGE_SHARE_OF_MEMORY * memory:
        return Outcome(AttemptStatus.LOST, error=OUT_OF_MEMORY)
    error = {
        "code": "job_process_died",
        "detail": f"the process that ran the job ended with {_ending_of(child)}",
        "remedy": "look at the worker's log, then retry the job",
    }
    return Outcome(AttemptStatus.LOST, error=error)


def _ending_of(child: Child) -> str:
    """An exit status in words."""
    if child.status is None:
        return "its nursery"
    if child.status < 0:
        return signal.Signals(-child.status).name
    return f"status {child.status}"


def _finish(
    post: WorkerContext, job: JobRecord, lease: Lease, outcome: Outcome, *, scope: ResultScope
) -> None:
    """Store what was made, then write results and state in one transaction. Raises FencedError."""
    zoo, output = post.zoo, None
    if outcome.status is AttemptStatus.SUCCEEDED:
        try:
            with kept(lease):
                kind = method_named(job.method).kind
                output = collect_outputs(zoo.blobs, scratch_of(post, job), kind, scope)
        except ZooError as error:
            outcome = _failure(error)
        except OSError as error:
            log.exception("storing failed", job=job.id)
            detail = f"the result could not be stored: {error.strerror}"
            outcome = Outcome(
                AttemptStatus.LOST, error={"code": "storing_failed", "detail": detail}
            )
    _patiently(zoo, lambda: _write(zoo, job, outcome, output))


def _write(
    zoo: Zoo, job: JobRecord, outcome: Outcome, output: JobOutput[JobResult] | None
) -> None:
    """One finishing transaction; a result that cannot be recorded is no success."""
    if output is not None:
        try:
            with zoo.transaction() as session:
                results.record(session, job, output)
        except (FencedError, *DATABASE_ERRORS):
            raise
        except ZooError as error:
            outcome = _failure(error)
        except Exception:
            log.exception("recording failed", job=job.id)
            outcome = Outcome(AttemptStatus.LOST, error=INTERNAL)
        else:
            return
    with zoo.transaction() as session:
        lifecycle.finish(session, job_id=job.id, fence=job.fence, outcome=outcome)


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
    status = AttemptStatus.LOST if isinstance(error, UnavailableError) else AttemptStatus.FAILED
    details = {"code": error.code, "detail": error.detail, "remedy": error.remedy}
    return Outcome(status, error=details)
