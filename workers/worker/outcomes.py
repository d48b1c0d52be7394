"""What the end of an attempt means for its job: every failure becomes one of a few outcomes here."""

import signal
from typing import Any

import structlog

from service.core.byte_sizes import in_words
from service.core.errors import UnavailableError, ZooError
from service.core.machine_faults import WAITING_CODES, machine_fault_in
from service.core.operations.jobs.lifecycle import AttemptStatus, Outcome, time_limit_exceeded
from service.core.results.live import DoneMessage, ErrorMessage
from service.core.tables import JobRecord
from service.settings import Settings
from workers.isolation.fork_client import Child
from workers.isolation.memory import machine_bytes
from workers.worker.child_config import memory_bytes
from workers.worker.lease import ChildResult, StopReason
from workers.worker.time_limits import seconds_of

log = structlog.get_logger(__name__)

LARGE_SHARE_OF_MEMORY = 0.5
OUT_OF_MEMORY = {
    "code": "out_of_memory",
    "detail": "the job process was killed because the machine's memory ran out",
    "remedy": "use fewer or smaller images or a smaller network, or run fewer jobs at once with ZOO_WORKER_CONCURRENCY",
}
SHARE_EXCEEDED = {
    "code": "out_of_memory",
    "detail": "the job needed more memory than its share",
    "remedy": "use fewer or smaller images or a smaller network, or raise ZOO_JOB_MEMORY_BYTES",
}
INTERNAL = {
    "code": "internal",
    "detail": "internal worker error",
    "remedy": "retry the job; if it fails again, report it with the trace in the worker's log",
}


_STOPPED = {
    StopReason.CANCELLED: Outcome(AttemptStatus.CANCELLED),
    StopReason.RELEASED: Outcome(AttemptStatus.RELEASED),
}


def of_child(
    job: JobRecord, child: Child, result: ChildResult, settings: Settings
) -> Outcome | None:
    """What the end of a child means for its job; None when the lease was lost."""
    if result.stop_reason is StopReason.FENCED:
        return None
    if result.stop_reason is StopReason.EXPIRED or child.status == -signal.SIGXCPU:
        error = time_limit_exceeded(seconds_of(job.method, settings))
        return Outcome(AttemptStatus.FAILED, error=error)
    if result.stop_reason is not None:
        return _STOPPED[result.stop_reason]
    message = result.final_message
    if isinstance(message, DoneMessage) and child.status == 0:
        return Outcome(AttemptStatus.SUCCEEDED)
    if isinstance(message, ErrorMessage):
        error = _with_peak(message.error.model_dump(), child)
        log.warning("job failed", job=job.id, error=error, trace=message.trace)
        return Outcome(_status_after(error["code"], message.retryable), error=error)
    log.warning("child died", job=job.id, status=child.status, peak_bytes=child.peak_bytes)
    return died(child, memory_bytes(settings) or machine_bytes())


def _status_after(code: str, retryable: object) -> AttemptStatus:
    """What an attempt means that ended with this error."""
    if not retryable:
        return AttemptStatus.FAILED
    return AttemptStatus.WAITING if code in WAITING_CODES else AttemptStatus.LOST


def of_share_exceeded(child: Child) -> Outcome:
    """The outcome of a child that the kernel killed because it exceeded its share of the memory."""
    return Outcome(AttemptStatus.FAILED, error=_with_peak(SHARE_EXCEEDED, child))


def _with_peak(error: dict[str, Any], child: Child) -> dict[str, Any]:
    """The error; one of memory names the child's peak, which is known once it has ended."""
    if error["code"] != OUT_OF_MEMORY["code"]:
        return error
    return {**error, "detail": f"{error['detail']}; it held {in_words(child.peak_bytes)} at most"}


def died(child: Child, share_bytes: int) -> Outcome:
    """The outcome of a child that ended without a final message.

    A child within its share that the kernel killed is a victim of the machine, and runs again.
    """
    if child.status == -signal.SIGKILL and child.peak_bytes > LARGE_SHARE_OF_MEMORY * share_bytes:
        return Outcome(AttemptStatus.LOST, error=_with_peak(OUT_OF_MEMORY, child))
    error = {
        "code": "job_process_died",
        "detail": f"the process that ran the job ended with {_exit_of(child)}",
        "remedy": "read the log of the worker; a job that has failed can be retried",
    }
    return Outcome(AttemptStatus.LOST, error=error)


def _exit_of(child: Child) -> str:
    """An exit status in words."""
    if child.status is None:
        return "its fork server"
    if child.status < 0:
        return signal.Signals(-child.status).name
    return f"status {child.status}"


def of_error(error: Exception) -> Outcome:
    """The outcome of an untyped error in the worker: a fault of the machine, or a lost attempt."""
    fault = machine_fault_in(error)
    if fault is not None:
        return of_refusal(fault)
    if isinstance(error, OSError):
        detail = f"the worker could not serve the job: {error.strerror}"
        lost = {**INTERNAL, "code": "worker_failed", "detail": detail}
        return Outcome(AttemptStatus.LOST, error=lost)
    return Outcome(AttemptStatus.LOST, error=INTERNAL)


def of_storing(error: OSError) -> Outcome:
    """The outcome when a result could not be stored."""
    fault = machine_fault_in(error)
    if fault is not None:
        return of_refusal(fault)
    detail = f"the result could not be stored: {error.strerror}"
    return Outcome(AttemptStatus.LOST, error={"code": "storing_failed", "detail": detail})


def of_refusal(error: ZooError) -> Outcome:
    """The outcome of a typed error: final, unless a service was unavailable."""
    status = _status_after(error.code, isinstance(error, UnavailableError))
    details = {"code": error.code, "detail": error.detail, "remedy": error.remedy}
    return Outcome(status, error=details)
