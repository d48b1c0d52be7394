"""One job on a worker: claim it, stage its inputs, run it in a child, record and finish it.

Every failure becomes one of a few outcomes here, and nowhere else.
"""

import signal
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import structlog

from service.adapters.worker_registry import worker_name
from service.container import Zoo
from service.core.catalog import JobLane, method_named
from service.core.errors import FencedError, ZooError
from service.core.operations.jobs import lanes, lifecycle
from service.core.operations.jobs.lifecycle import AttemptStatus, Outcome
from service.core.results import JobResult, ResultScope
from service.core.tables import JobRecord
from service.core.tracing import follow, new_trace_id
from service.settings import Settings
from workers.isolation.control_group import ControlGroup, delegated_folder, group_in
from workers.isolation.fork_client import Child, ForkServerClient
from workers.isolation.workdir import Scratch
from workers.worker import job_spans, live_updates, outcomes
from workers.worker.child_config import child_config, memory_bytes
from workers.worker.lanes import ClaimedJob, JobLanes
from workers.worker.lease import (
    DATABASE_ERRORS,
    ChildResult,
    Lease,
    renewed,
    supervise,
)
from workers.worker.machine import Machine
from workers.worker.outputs import JobOutput, collect_outputs
from workers.worker.record import results
from workers.worker.stage import inputs
from workers.worker.time_limits import flops_of_short_jobs, seconds_by_method, seconds_of

log = structlog.get_logger(__name__)

WRITE_RETRY_SECONDS = 1.0


@dataclass(frozen=True)
class WorkerContext:
    """What running a job takes: the zoo, the fork server, and whether jobs must be released now.

    ``lanes`` counts the jobs of all slots.
    """

    zoo: Zoo
    fork_server: ForkServerClient
    stopping: Callable[[], bool]
    lanes: JobLanes = field(default_factory=lambda: JobLanes(1))

    @cached_property
    def machine(self) -> Machine:
        """The machine, which has room for jobs or not."""
        return Machine.of(self.zoo)

    @property
    def name(self) -> str:
        """The name under which this worker claims jobs."""
        return worker_name()


def run_next(context: WorkerContext) -> bool:
    """Run the best claimable job of this worker's queues to its end; False when there was none.

    On a nearly full disk jobs stay in their queue, and none uses up an attempt.
    """
    if not context.machine.has_room():
        return False
    claimed = context.lanes.claim(partial(_claim, context))
    if claimed is None:
        return False
    try:
        _run(context, claimed.job)
    finally:
        context.lanes.ended(claimed)
    return True


def _claim(context: WorkerContext, open_lanes: Collection[JobLane]) -> ClaimedJob | None:
    """The best claimable job of these lanes, now this worker's."""
    settings = context.zoo.settings
    most_flops = flops_of_short_jobs(settings)
    with context.zoo.transaction() as session:
        job = lifecycle.claim(
            session,
            worker=context.name,
            queues=settings.queues,
            lease_seconds=settings.lease_seconds,
            running_seconds=settings.job_timeout_seconds,
            method_seconds=seconds_by_method(settings),
            only=None if JobLane.LONG in open_lanes else lanes.is_short(most_flops=most_flops),
            missing_layers=sorted(context.fork_server.missing_layers),
        )
        if job is None:
            return None
        return ClaimedJob(job, lanes.lane_of(session, job, most_flops=most_flops))


def _run(context: WorkerContext, job: JobRecord) -> None:
    """Run a claimed job to its end, in a folder that is removed afterwards."""
    follow(job.trace_id or new_trace_id(), job.parent_span_id)
    scratch = scratch_of(context, job)
    started = time.monotonic()
    log.info("job claimed", job=job.id, method=job.method, attempt=job.attempts)
    try:
        with job_spans.attempt(context.zoo.spans, job) as span:
            job_spans.note_outcome(span, _run_attempt(context, job, scratch))
    finally:
        scratch.remove()
        seconds = round(time.monotonic() - started, 3)
        log.info("attempt ended", job=job.id, fence=job.fence, seconds=seconds)


def scratch_of(context: WorkerContext, job: JobRecord) -> Scratch:
    """The folder of this attempt."""
    return Scratch.of(context.zoo.scratch, job.id, job.fence)


def _run_attempt(context: WorkerContext, job: JobRecord, scratch: Scratch) -> Outcome | None:
    """How one attempt ended, which is recorded; None for a job that was lost, which stays untouched."""
    lease = Lease.of(context.zoo, job)
    try:
        scope, outcome = _outcome(context, job, lease, scratch)
        if outcome is not None:
            with job_spans.step(context.zoo.spans, "save"):
                return _finish(context, job, lease, outcome, scope=scope)
    except FencedError:
        log.warning("another worker owns the job", job=job.id, fence=job.fence)
    except DATABASE_ERRORS:
        # Nothing can be recorded; the lease expires and the reaper releases the job to another worker.
        log.exception("the database was lost; the job will be taken over", job=job.id)
    return None


def _outcome(
    context: WorkerContext, job: JobRecord, lease: Lease, scratch: Scratch
) -> tuple[ResultScope, Outcome | None]:
    """What the result may name, and how the attempt ended; None when the lease was lost."""
    scope = ResultScope()
    try:
        with renewed(lease):
            with job_spans.step(context.zoo.spans, "stage"):
                scope = inputs.stage(context.zoo, job, scratch)
            child = context.fork_server.fork(_config(context.zoo.settings, job, scratch))
        return scope, _run_child(context, job, lease, child)
    except DATABASE_ERRORS:
        raise
    except ZooError as error:
        return scope, outcomes.of_refusal(error)
    except Exception as error:
        log.exception("running the job failed", job=job.id)
        return scope, outcomes.of_error(error)


def _run_child(
    context: WorkerContext, job: JobRecord, lease: Lease, child: Child
) -> Outcome | None:
    """The outcome of a child, which is dead afterwards, whatever happens here."""
    group = _group_of(context, job, child)
    try:
        result = _supervised(context, job, lease, child)
    finally:
        context.fork_server.signal(child, signal.SIGKILL)
        child.close()
    if group is not None and _killed_in(group) and result.stop_reason is None:
        return context.machine.judged(outcomes.of_share_exceeded(child))
    outcome = outcomes.of_child(job, child, result, context.zoo.settings)
    if outcome is None or result.stop_reason is not None:
        return outcome
    return context.machine.judged(outcome)


def _supervised(context: WorkerContext, job: JobRecord, lease: Lease, child: Child) -> ChildResult:
    """How the child ended; its span has the phases that it reported."""
    with job_spans.step(context.zoo.spans, "child") as span:
        began = time.monotonic()
        result = supervise(
            child,
            lease,
            context.fork_server,
            seconds=seconds_of(job.method, context.zoo.settings),
            stopping=context.stopping,
            on_message=partial(_handle_message, context, job),
        )
        job_spans.add_phases(span, result, began=began, ended=time.monotonic())
        return result


def _killed_in(group: ControlGroup) -> bool:
    """Whether the kernel killed the child because its group's memory ran out; removes the group."""
    kills = group.kills()
    group.remove()
    return kills > 0


def _group_of(context: WorkerContext, job: JobRecord, child: Child) -> ControlGroup | None:
    """The control group of a child, which limits its memory; None where none can be made."""
    share, folder = memory_bytes(context.zoo.settings), delegated_folder()
    if share is None or folder is None:
        return None
    try:
        group = group_in(folder, f"{job.id}.{job.fence}", memory_bytes=share)
        child.wait_for_pid()
        group.add(child.pid or 0)
    except OSError:
        log.warning("the child has no control group of its own", job=job.id)
        return None
    return group


def _handle_message(context: WorkerContext, job: JobRecord, message: dict[str, Any]) -> None:
    """Store a live update; one that meets no database is dropped, for the next replaces it."""
    try:
        live_updates.handle_message(context.zoo, job, message)
    except DATABASE_ERRORS:
        log.exception("the database did not answer; a live update was dropped", job=job.id)


def _config(settings: Settings, job: JobRecord, scratch: Scratch) -> dict[str, Any]:
    """The configuration of a job's child."""
    return child_config(
        settings,
        entry_point="job",
        folder=scratch.folder,
        seconds=seconds_of(job.method, settings),
    )


def _finish(
    context: WorkerContext, job: JobRecord, lease: Lease, outcome: Outcome, *, scope: ResultScope
) -> Outcome:
    """The outcome with which the job ends: outputs are stored, results and state written at once.

    Raises:
        FencedError: Another worker owns the job.
    """
    zoo, output = context.zoo, None
    if outcome.status is AttemptStatus.SUCCEEDED:
        try:
            with renewed(lease):
                kind = method_named(job.method).kind
                output = collect_outputs(zoo.blobs, scratch_of(context, job), kind, scope)
        except ZooError as error:
            outcome = outcomes.of_refusal(error)
        except OSError as error:
            log.exception("storing the result failed", job=job.id)
            outcome = outcomes.of_storing(error)
    return _write_with_retries(zoo, lambda: _write(zoo, job, outcome, output))


def _write(
    zoo: Zoo, job: JobRecord, outcome: Outcome, output: JobOutput[JobResult] | None
) -> Outcome:
    """The outcome with which the job ends, in one transaction; unrecordable results are failures."""
    if output is not None:
        try:
            with zoo.transaction() as session:
                results.record(session, job, output)
        except (FencedError, *DATABASE_ERRORS):
            raise
        except ZooError as error:
            outcome = outcomes.of_refusal(error)
        except Exception:
            log.exception("recording the result failed", job=job.id)
            outcome = Outcome(AttemptStatus.LOST, error=outcomes.INTERNAL)
        else:
            return outcome
    with zoo.transaction() as session:
        lifecycle.finish(session, job_id=job.id, fence=job.fence, outcome=outcome)
    return outcome


def _write_with_retries(zoo: Zoo, write: Callable[[], Outcome]) -> Outcome:
    """Write; retry while the database does not answer, until the lease has surely expired."""
    give_up_at = time.monotonic() + zoo.settings.lease_seconds
    while True:
        try:
            return write()
        except DATABASE_ERRORS:
            if time.monotonic() >= give_up_at:
                raise
            time.sleep(WRITE_RETRY_SECONDS)
