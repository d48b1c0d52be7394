"""The stages of a job: how each is met in a running zoo, and what proves that the job is there."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from service.core.tables import JobRecord, JobState, ModelRecord
from tests.jobs.cluster import TestCluster
from workers.isolation.workdir import Scratch

LARGE_CHECKPOINT_BYTES = 256 * 1024**2
_WAITING = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
    "AND wait_event_type = 'Lock'"
)


@dataclass(frozen=True)
class Attempt:
    """The first attempt at a job."""

    cluster: TestCluster
    job_id: str

    @property
    def scratch(self) -> Scratch:
        """Its folder."""
        return Scratch.of(self.cluster.zoo.scratch, self.job_id, 1)

    def was_claimed(self) -> bool:
        """Whether the job is queued no more."""
        return self.cluster.job(self.job_id).state != JobState.QUEUED

    def is_running(self) -> bool:
        """Whether a worker has claimed the job, and it has not ended."""
        return self.cluster.job(self.job_id).state == JobState.RUNNING

    def has_progress(self) -> bool:
        """Whether the job has reported progress."""
        return bool(self.cluster.job(self.job_id).progress)

    def has_files(self) -> bool:
        """Whether the job's process has written anything that it hands over."""
        return self.scratch.out.exists() and any(self.scratch.out.iterdir())

    def waits_for_lock(self) -> bool:
        """Whether a transaction waits for a lock that another one holds."""
        with self.cluster.zoo.transaction() as session:
            return bool(session.scalar(_WAITING))


@dataclass(frozen=True)
class Stage:
    """A stage of a job.

    Attributes:
        is_reached: Whether the job may be there; asked very often, so it only looks.
        is_proved: Whether a job, whose worker is stopped, is there.
        held: A block, begun before the claim, in which the job stays there for longer than usual.
        held_after_claim: The same, begun after the claim.
    """

    is_reached: Callable[[Attempt], bool]
    is_proved: Callable[[Attempt], bool]
    held: Callable[[Attempt], AbstractContextManager[object]] = nullcontext
    held_after_claim: Callable[[Attempt], AbstractContextManager[object]] = nullcontext


@contextmanager
def _locked_datasets(attempt: Attempt) -> Iterator[None]:
    """Nobody else reads the table of datasets, which a worker does first with a claimed job."""
    with attempt.cluster.zoo.transaction() as session:
        session.execute(text("LOCK TABLE datasets IN ACCESS EXCLUSIVE MODE"))
        yield


@contextmanager
def _locked_model(attempt: Attempt) -> Iterator[None]:
    """Nobody else writes the row of the model that the job creates."""
    model_id = attempt.cluster.model_of(attempt.job_id).id
    with attempt.cluster.zoo.transaction() as session:
        session.execute(select(ModelRecord.id).where(ModelRecord.id == model_id).with_for_update())
        yield


@contextmanager
def _large_checkpoint(attempt: Attempt) -> Iterator[None]:
    """The first attempt has a large file to stage, which its method does not read."""
    zoo = attempt.cluster.zoo
    zeros = bytes(LARGE_CHECKPOINT_BYTES)
    path = zoo.staging / "zeros"
    path.write_bytes(zeros)
    blob = zoo.blobs.add(path, sha256=hashlib.sha256(zeros).hexdigest())
    with zoo.transaction() as session:
        _job(session, attempt).checkpoint_sha256 = blob.sha256
    try:
        yield
    finally:
        with zoo.transaction() as session:
            _job(session, attempt).checkpoint_sha256 = None


def _job(session: Session, attempt: Attempt) -> JobRecord:
    return session.get_one(JobRecord, attempt.job_id)


STAGES = {
    # A worker has the job and has not created its folder.
    "claimed": Stage(
        Attempt.waits_for_lock,
        lambda attempt: not attempt.scratch.folder.exists(),
        held=_locked_datasets,
    ),
    # The worker lays out the inputs.
    "staging": Stage(
        lambda attempt: attempt.scratch.inputs.exists(),
        lambda attempt: attempt.scratch.inputs.exists() and not attempt.scratch.request.exists(),
        held=_large_checkpoint,
    ),
    # The child starts, enters the sandbox and loads the inputs.
    "starting": Stage(
        lambda attempt: attempt.scratch.request.exists(),
        lambda attempt: attempt.scratch.request.exists() and not attempt.has_progress(),
    ),
    # The method computes.
    "running": Stage(
        Attempt.has_progress,
        lambda attempt: attempt.has_progress() and not attempt.has_files(),
    ),
    # The child writes files.
    "saving": Stage(
        Attempt.has_files,
        lambda attempt: attempt.has_files() and not attempt.scratch.result.exists(),
    ),
    # The result is written and the worker has not recorded it.
    "saved": Stage(
        lambda attempt: attempt.scratch.result.exists(),
        lambda attempt: attempt.scratch.result.exists() and not attempt.waits_for_lock(),
    ),
    # The worker's transaction has begun, and waits for the model's row.
    "recording": Stage(
        Attempt.waits_for_lock,
        lambda attempt: attempt.scratch.result.exists() and attempt.waits_for_lock(),
        held_after_claim=_locked_model,
    ),
}
"""Every stage by name, in the order in which a job meets them."""
