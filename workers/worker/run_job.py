"""One job on a worker: claim it, stage its inputs, run it in a child, record and finish it.

Every failure becomes one of a few outcomes here, and nowhere else.
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
from workers.worker.lease import (
    DATABASE_ERRORS,
    ChildResult,
    Lease,
    StopReason,
    renewed,
    supervise,
)
from workers.worker.outputs import JobOutput, collect_outputs
from workers.worker.record import results
from workers.worker.stage import inputs

log = structlog.get_logger(__name__)

LARGE_SHARE_OF_MEMORY = 0.5
WRITE_RETRY_SECONDS = 1.0
OUT_OF_MEMORY = {
    "code": "out_of_memory",
    "detail": "the job process was killed because memory ran out",
    "remedy": "use fewer or smaller images, a smaller network, or a larger machine",
}
INTERNAL = {
    "code": "internal",
    "detail": "internal worker error",
    "remedy": "retry the job; if it fails again, report it with the trace in the worker's log",
}


_STOPPED = {
    StopReason.CANCELLED: Outcome(AttemptStatus.CANCELLED),
    StopReason.RELEASED: Outcome(AttemptStatus.RELEASED),
    StopReason.EXPIRED: Outcome(AttemptStatus.FAILED, error=EXPIRED),
}


@dataclass(frozen=True)
class WorkerContext:
    """What running a job takes: the zoo, the fork server, and whether jobs must be released now."""

    zoo: Zoo
    fork_server: ForkServerClient
    stopping: Callable[[], bool]

    @property
    def name(self) -> str:
        """The name under which this worker claims jobs."""
        return f"{socket.gethostname()}:{os.getpid()}"


def run_next(context: WorkerContext) -> bool:
    """Run the best claimable job of this worker's queues to its end; False when there was none."""
    settings = context.zoo.settings
    with context.zoo.transaction() as session:
        job = lifecycle.claim(
            session,
            worker=context.name,
            queues=settings.queues,
            lease_seconds=settings.lease_seconds,
            running_seconds=settings.job_timeout_seconds,
        )
    if job is None:
        return False
    follow(job.trace_id or new_trace_id())
    scratch = scratch_of(context, job)
    started = time.monotonic()
    log.info("job claimed", job=job.id, method=job.method, attempt=job.attempts)
    try:
        _run_attempt(context, job, scratch)
    finally:
        scratch.remove()
        seconds = round(time.monotonic() - started, 3)
        log.info("attempt ended", job=job.id, fence=job.fence, seconds=seconds)
    return True


def scratch_of(context: WorkerContext, job: JobRecord) -> Scratch:
    """The folder of this attempt."""
    return Scratch.of(context.zoo.scratch, job.id, job.fence)


def _run_attempt(context: WorkerContext, job: JobRecord, scratch: Scratch) -> None:
    """Run one attempt and finish it; a job that was lost meanwhile stays untouched."""
    lease = Lease.of(context.zoo, job)
    try:
        scope, outcome = _outcome(context, job, lease, scratch)
        if outcome is not None:
            _finish(context, job, lease, outcome, scope=scope)
    except FencedError:
        log.warning("another worker owns the job", job=job.id, fence=job.fence)
    except DATABASE_ERRORS:
        # Nothing can be recorded; the lease expires and the reaper releases the job to another worker.
        log.exception("the database was lost; the job will be taken over", job=job.id)


def _outcome(
    context: WorkerContext, job: JobRecord, lease: Lease, scratch: Scratch
) -> tuple[ResultScope, Outcome | None]:
    """What the result may name, and how the attempt ended; None when the lease was lost."""
    scope = ResultScope()
    try:
        with renewed(lease):
            scope = inputs.stage(context.zoo, job, scratch)
            child = context.fork_server.fork(_child_config(context.zoo, scratch))
        return scope, _run_child(context, job, lease, child)
    except DATABASE_ERRORS:
        raise
    except ZooError as error:
        return scope, _failure(error)
    except OSError as error:
        log.exception("running the job failed", job=job.id)
        detail = f"the worker could not serve the job: {error.strerror}"
        lost = {**INTERNAL, "code": "worker_failed", "detail": detail}
        return scope, Outcome(AttemptStatus.LOST, error=lost)
    except Exception:
        log.exception("running the job failed", job=job.id)
        return scope, Outcome(AttemptStatus.LOST, error=INTERNAL)


def _run_child(
    context: WorkerContext, job: JobRecord, lease: Lease, child: Child
) -> Outcome | None:
    """The outcome of a child, which is dead afterwards, whatever happens here."""
    try:
        result = supervise(
            child,
            lease,
            context.fork_server,
            stopping=context.stopping,
            on_message=partial(_handle_message, context, job),
        )
    finally:
        context.fork_server.signal(child, signal.SIGKILL)
        child.close()
    return _outcome_of(job, child, result)


def _handle_message(context: WorkerContext, job: JobRecord, message: dict[str, Any]) -> None:
    """Store a live update; one that meets no database is dropped, for the next replaces it."""
    try:
        live_updates.handle_message(context.zoo, job, message)
    except DATABASE_ERRORS:
        log.exception("the database did not answer; a live update was dropped", job=job.id)


def _child_config(zoo: Zoo, scratch: Scratch) -> dict[str, Any]:
    """The configuration of a child."""
    settings = zoo.settings
    return {
        "entry_point": "job",
        "folder": str(scratch.folder),
        "cpu_seconds": int(settings.job_timeout_seconds * settings.worker_threads) + 60,
        "threads": settings.worker_threads,
        "device": settings.device.value,
        "require_sandbox": settings.require_sandbox,
    }


def _outcome_of(job: JobRecord, child: Child, result: ChildResult) -> Outcome | None:
    """What the end of a child means for its job; None when the lease was lost."""
    if result.stop_reason is StopReason.FENCED:
        return None
    if result.stop_reason is not None:
        return _STOPPED[result.stop_reason]
    message = result.final_message
    if isinstance(message, DoneMessage) and child.status == 0:
        return Outcome(AttemptStatus.SUCCEEDED)
    if isinstance(message, ErrorMessage):
        error = message.error.model_dump()
        log.warning("job failed", job=job.id, error=error, trace=message.trace)
        status = AttemptStatus.LOST if message.retryable else AttemptStatus.FAILED
        return Outcome(status, error=error)
    log.warning("child died", job=job.id, status=child.status, peak_bytes=child.peak_bytes)
    return _died(child)


def _died(child: Child) -> Outcome:
    """The outcome of a child that ended without a final message."""
    if child.status == -signal.SIGXCPU:
        return Outcome(AttemptStatus.FAILED, error=EXPIRED)
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if child.status == -signal.SIGKILL and child.peak_bytes > LARGE_SHARE_OF_MEMORY * memory:
        return Outcome(AttemptStatus.LOST, error=OUT_OF_MEMORY)
    error = {
        "code": "job_process_died",
        "detail": f"the process that ran the job ended with {_exit_of(child)}",
        "remedy": "look at the worker's log, then retry the job",
    }
    return Outcome(AttemptStatus.LOST, error=error)


def _exit_of(child: Child) -> str:
    """An exit status in words."""
    if child.status is None:
        return "its fork server"
    if child.status < 0:
        return signal.Signals(-child.status).name
    return f"status {child.status}"


def _finish(
    context: WorkerContext, job: JobRecord, lease: Lease, outcome: Outcome, *, scope: ResultScope
) -> None:
    """Store the outputs, then write results and state in one transaction. Raises FencedError."""
    zoo, output = context.zoo, None
    if outcome.status is AttemptStatus.SUCCEEDED:
        try:
            with renewed(lease):
                kind = method_named(job.method).kind
                output = collect_outputs(zoo.blobs, scratch_of(context, job), kind, scope)
        except ZooError as error:
            outcome = _failure(error)
        except OSError as error:
            log.exception("storing the result failed", job=job.id)
            detail = f"the result could not be stored: {error.strerror}"
            outcome = Outcome(
                AttemptStatus.LOST, error={"code": "storing_failed", "detail": detail}
            )
    _write_with_retries(zoo, lambda: _write(zoo, job, outcome, output))


def _write(
    zoo: Zoo, job: JobRecord, outcome: Outcome, output: JobOutput[JobResult] | None
) -> None:
    """Finish the job in one transaction; a result that cannot be recorded makes it a failure."""
    if output is not None:
        try:
            with zoo.transaction() as session:
                results.record(session, job, output)
        except (FencedError, *DATABASE_ERRORS):
            raise
        except ZooError as error:
            outcome = _failure(error)
        except Exception:
            log.exception("recording the result failed", job=job.id)
            outcome = Outcome(AttemptStatus.LOST, error=INTERNAL)
        else:
            return
    with zoo.transaction() as session:
        lifecycle.finish(session, job_id=job.id, fence=job.fence, outcome=outcome)


def _write_with_retries(zoo: Zoo, write: Callable[[], None]) -> None:
    """Write; retry while the database does not answer, until the lease has surely expired."""
    give_up_at = time.monotonic() + zoo.settings.lease_seconds
    while True:
        try:
            return write()
        except DATABASE_ERRORS:
            if time.monotonic() >= give_up_at:
                raise
            time.sleep(WRITE_RETRY_SECONDS)


def _failure(error: ZooError) -> Outcome:
    """The outcome of a typed error: final, unless a service was unavailable."""
    status = AttemptStatus.LOST if isinstance(error, UnavailableError) else AttemptStatus.FAILED
    details = {"code": error.code, "detail": error.detail, "remedy": error.remedy}
    return Outcome(status, error=details)
