"""Jobs whose child was killed in the middle, as by a power cut."""

import signal
import threading
from collections.abc import Callable

import psutil

from service.core.tables import JobRecord, JobState
from tests.waiting import eventually
from workers.isolation.sandbox import process_name
from workers.worker.run_job import WorkerContext, run_next


def killed_after_a_checkpoint(context: WorkerContext, submit: Callable[[], str]) -> str:
    """The id of a job that waits for its second attempt, from the checkpoint of its first.

    On a busy machine a child may end before this thread comes to kill it; then another job is
    submitted and its child killed.
    """
    submitted: list[str] = []

    def is_killed() -> bool:
        submitted.append(submit())
        return _is_killed(context, submitted[-1])

    eventually(is_killed)
    return submitted[-1]


def _is_killed(context: WorkerContext, job_id: str) -> bool:
    """Run the job until it has a checkpoint, and kill its child; False if it ended before."""

    def row() -> JobRecord:
        with context.zoo.transaction() as session:
            return session.get_one(JobRecord, job_id)

    worker = threading.Thread(target=run_next, args=(context,))
    worker.start()
    eventually(lambda: row().checkpoint_sha256 is not None or not worker.is_alive())
    _kill_child(job_id)
    worker.join()
    return row().state == JobState.QUEUED


def _kill_child(job_id: str) -> None:
    """Kill the process that runs the job, if one does."""
    for process in psutil.Process().children(recursive=True):
        if process.name() == process_name(job_id):
            process.send_signal(signal.SIGKILL)
