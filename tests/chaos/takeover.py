"""How long a job waits after its worker was killed, stage by stage, with the usual settings."""

import json
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from multiprocessing import get_context
from signal import SIGCONT, SIGKILL, SIGSTOP

import psutil
from sqlalchemy import func, select

from service.core.tables import JobRecord, JobState
from tests.chaos.stages import STAGES, Attempt, Stage
from tests.jobs.cluster import TestCluster, running_cluster
from tests.jobs.processes import Process
from tests.waiting import HANG_SECONDS, eventually

WORKERS = 2
JOB_SECONDS = 1.0
LOOK_SECONDS = 0.001
LOOKS = 200


@dataclass(frozen=True)
class Takeover:
    """What happened after the worker of a job was killed at a stage.

    Attributes:
        from_kill: Seconds from the kill until the job was queued again.
        from_lease_end: Seconds from the end of the lease until then.
        to_claim: Seconds from then until the next claim.
        missed: How many jobs had passed the stage before their worker was stopped.
    """

    stage: str
    from_kill: float
    from_lease_end: float
    to_claim: float
    missed: int


@dataclass(frozen=True)
class Kill:
    """The moment of a kill and the end of the job's lease, by the database's clock."""

    at: datetime
    lease_end: datetime


def measure(repeat: int, *, stages: Sequence[str], zoos: int) -> list[Takeover]:
    """The times of ``repeat`` kills at each stage: one zoo per stage, so many side by side."""
    # A process each: migrations keep state in their module, and stages are met by looking often.
    with ProcessPoolExecutor(zoos, mp_context=get_context("spawn")) as pool:
        series = pool.map(partial(_series, repeat), stages)
        return [takeover for takeovers in series for takeover in takeovers]


def _series(repeat: int, stage: str) -> list[Takeover]:
    """The times of kills at one stage, one after the other in a zoo of their own.

    Each is also a JSON line on standard error at once, since all of them take long.
    """
    takeovers: list[Takeover] = []
    with running_cluster() as cluster:
        for _ in range(repeat):
            takeovers.append(_takeover(cluster, stage))
            sys.stderr.write(f"{json.dumps(asdict(takeovers[-1]))}\n")
    return takeovers


def _takeover(cluster: TestCluster, stage: str) -> Takeover:
    """The times of a job whose worker was killed at a stage; of the next job if that was missed."""
    missed = 0
    while True:
        cluster.start_workers(WORKERS)
        attempt = _submitted(cluster)
        kill = _killed(attempt, STAGES[stage])
        if kill is not None:
            cluster.start_workers(WORKERS)
            return _times(attempt, kill, stage, missed)
        eventually(partial(cluster.is_final, attempt.job_id))
        missed += 1


def _submitted(cluster: TestCluster) -> Attempt:
    """A queued job that no worker can claim yet, because all are stopped."""
    for worker in cluster.workers:
        cluster.freeze(worker)
    return Attempt(cluster, cluster.submit(seconds=JOB_SECONDS))


def _killed(attempt: Attempt, stage: Stage) -> Kill | None:
    """Let the job run to the stage and kill its worker there; None if the stage was missed."""
    cluster = attempt.cluster
    with stage.held(attempt):
        for worker in cluster.workers:
            worker.send(SIGCONT)
        _look_for(attempt.was_claimed, attempt)
        with stage.held_after_claim(attempt):
            return _killed_once_there(attempt, stage) if attempt.is_running() else None


def _killed_once_there(attempt: Attempt, stage: Stage) -> Kill | None:
    """Kill the worker of a claimed job at the stage; None if the stage was missed."""
    worker = attempt.cluster.holder(attempt.job_id)
    _look_for(partial(stage.is_reached, attempt), attempt)
    worker.send(SIGSTOP)
    if not (attempt.is_running() and stage.is_proved(attempt)):
        worker.send(SIGCONT)
        return None
    family = worker.descendants()
    worker.send(SIGKILL)
    kill = _facts(attempt)
    _require_end(worker, family)
    attempt.cluster.workers.remove(worker)
    return kill


def _look_for(check: Callable[[], bool], attempt: Attempt) -> None:
    """Return when ``check`` holds or the job has ended; a stage may be short, so look often."""
    give_up = time.monotonic() + HANG_SECONDS
    while not attempt.cluster.is_final(attempt.job_id):
        assert time.monotonic() < give_up, attempt.job_id
        for _ in range(LOOKS):
            if check():
                return
            time.sleep(LOOK_SECONDS)


def _facts(attempt: Attempt) -> Kill:
    """The present moment and the end of the lease."""
    query = select(func.clock_timestamp(), JobRecord.lease_until)
    with attempt.cluster.zoo.transaction() as session:
        now, lease_end = session.execute(query.where(JobRecord.id == attempt.job_id)).one()
    return Kill(now, lease_end)


def _require_end(worker: Process, family: list[psutil.Process]) -> None:
    """The killed worker and all its processes have ended."""
    worker.process.wait(timeout=HANG_SECONDS)
    _, orphans = psutil.wait_procs(family, timeout=HANG_SECONDS)
    assert not orphans, f"orphans: {orphans}"


def _times(attempt: Attempt, kill: Kill, stage: str, missed: int) -> Takeover:
    """The times, once another worker has brought the job to its end."""
    cluster = attempt.cluster
    job, events = cluster.ended(attempt.job_id), cluster.events(attempt.job_id)
    moments = [event.at for event in events if event.type in ("started", "requeued")]
    assert (job.state, job.fence, len(moments)) == (JobState.SUCCEEDED, 2, 3), moments
    _, requeued, started = moments
    return Takeover(
        stage,
        from_kill=_seconds(kill.at, requeued),
        from_lease_end=_seconds(kill.lease_end, requeued),
        to_claim=_seconds(requeued, started),
        missed=missed,
    )


def _seconds(start: datetime, end: datetime) -> float:
    return round((end - start).total_seconds(), 3)
