"""A job moves only along its legal moves, and only its holder moves it."""

from functools import partial

import pytest
from sqlalchemy import text

from service.container import Zoo
from service.core.errors import ConflictError, FencedError, InvalidRequestError, NotFoundError
from service.core.operations import owned_rows
from service.core.operations.jobs import job_lists, jobs, lifecycle, reaper
from service.core.operations.jobs.job_lists import JobFilter
from service.core.operations.jobs.lifecycle import AttemptStatus, LeaseStatus, Outcome
from service.core.tables import DatasetRecord, JobRecord, JobState
from tests.jobs.builders import PROJECT, a_dataset, a_job


def claim(
    zoo: Zoo, *, job_id: str | None = None, lease: float = 30.0, queues: tuple[str, ...] = ("cpu",)
) -> JobRecord | None:
    with zoo.transaction() as session:
        return lifecycle.claim(
            session,
            worker="w",
            queues=queues,
            lease_seconds=lease,
            running_seconds=3600,
            job_id=job_id,
        )


def submitted(zoo: Zoo, **changes: object) -> str:
    with zoo.transaction() as session:
        return a_job(session, **changes).id


def finish(zoo: Zoo, job: JobRecord, status: AttemptStatus, **more: object) -> JobRecord:
    with zoo.transaction() as session:
        return lifecycle.finish(
            session, job_id=job.id, fence=job.fence, outcome=Outcome(status, **more)
        )


def state_of(zoo: Zoo, job_id: str) -> str:
    with zoo.transaction() as session:
        return owned_rows.get(session, JobRecord, project=PROJECT, id=job_id).state


def test_a_claimed_job_has_a_new_fence_one_more_attempt_and_a_lease(zoo: Zoo):
    job_id = submitted(zoo)

    job = claim(zoo)

    assert (job.id, job.state, job.fence, job.attempts) == (job_id, "running", 1, 1)
    assert job.lease_until > job.started_at
    assert claim(zoo) is None


def test_the_higher_priority_is_claimed_first_then_the_older(zoo: Zoo):
    first, second, urgent = (submitted(zoo, priority=p) for p in (0, 0, 5))

    assert [claim(zoo).id for _ in range(3)] == [urgent, first, second]


def test_a_worker_claims_only_from_the_queues_it_serves(zoo: Zoo):
    job_id = submitted(zoo, queue="gpu")

    assert claim(zoo) is None
    assert claim(zoo, queues=("gpu", "cpu")).id == job_id


def test_a_job_waits_until_its_dependencies_are_final_even_if_they_fail(zoo: Zoo):
    first = submitted(zoo)
    second = submitted(zoo, depends_on=[first])

    job = claim(zoo)
    assert claim(zoo) is None
    finish(zoo, job, AttemptStatus.FAILED, error={"code": "bad"})

    assert claim(zoo).id == second


def test_equal_submissions_share_the_running_job(zoo: Zoo):
    first = submitted(zoo, cache_key="k")
    second = submitted(zoo, cache_key="k")
    finish(zoo, claim(zoo), AttemptStatus.SUCCEEDED)
    third = submitted(zoo, cache_key="k")

    assert first == second
    assert third != first


def test_internal_methods_look_unknown_to_clients(zoo: Zoo):
    with zoo.transaction() as session, pytest.raises(NotFoundError, match="clients cannot submit"):
        jobs.submit(
            session,
            project=PROJECT,
            method="dataset_ingestion",
            inputs={"dataset_id": "dst_1"},
        )


def test_wrong_inputs_are_refused_with_a_pointer(zoo: Zoo):
    with zoo.transaction() as session, pytest.raises(InvalidRequestError) as refused:
        a_job(session, inputs={"data": 1})

    assert {e.pointer for e in refused.value.errors} == {"/inputs/data", "/inputs/dataset_id"}


def test_an_old_fence_changes_nothing(zoo: Zoo):
    submitted(zoo)
    old = claim(zoo, lease=-1)
    with zoo.transaction() as session:
        assert reaper.reap(session).requeued == (old.id,)
        session.execute(text("UPDATE jobs SET available_at = now()"))
    new = claim(zoo)

    with zoo.transaction() as session:
        assert (
            lifecycle.heartbeat(session, job_id=old.id, fence=old.fence, lease_seconds=1)
            is LeaseStatus.FENCED
        )
    with pytest.raises(FencedError):
        finish(zoo, old, AttemptStatus.SUCCEEDED)
    assert finish(zoo, new, AttemptStatus.SUCCEEDED).state == "succeeded"


def test_a_final_job_stays_as_it_is(zoo: Zoo):
    submitted(zoo)
    job = claim(zoo)
    finish(zoo, job, AttemptStatus.SUCCEEDED, result={"a": 1})

    with pytest.raises(FencedError):
        finish(zoo, job, AttemptStatus.FAILED)
    with zoo.transaction() as session, pytest.raises(ConflictError):
        jobs.cancel(session, project=PROJECT, job_id=job.id)
    with zoo.transaction() as session, pytest.raises(ConflictError):
        jobs.retry(session, project=PROJECT, job_id=job.id)


def test_lost_attempts_are_repeated_until_none_are_left(zoo: Zoo):
    job_id = submitted(zoo, max_attempts=2)
    states = []
    for _ in range(2):
        states.append(
            finish(zoo, claim(zoo), AttemptStatus.LOST, error={"code": "worker_lost"}).state
        )
        with zoo.transaction() as session:
            session.execute(text("UPDATE jobs SET available_at = now()"))

    assert states == ["queued", "failed"]
    assert state_of(zoo, job_id) == "failed"


def test_a_released_attempt_does_not_count(zoo: Zoo):
    submitted(zoo)

    job = finish(zoo, claim(zoo), AttemptStatus.RELEASED)

    assert (job.state, job.attempts, job.fence) == ("queued", 0, 1)
    assert claim(zoo).fence == 2


def test_the_reaper_ends_a_job_whose_attempts_are_used_up(zoo: Zoo):
    submitted(zoo, max_attempts=1)
    job = claim(zoo, lease=-1)

    with zoo.transaction() as session:
        assert reaper.reap(session).ended == (job.id,)
        error = owned_rows.get(session, JobRecord, project=PROJECT, id=job.id).error

    assert error["code"] == "worker_lost"


def test_the_reaper_ends_a_job_that_ran_too_long(zoo: Zoo):
    submitted(zoo)
    job = claim(zoo)
    with zoo.transaction() as session:
        session.execute(text("UPDATE jobs SET deadline_at = now() - interval '1 s'"))

    with zoo.transaction() as session:
        reaper.reap(session)
        assert (
            owned_rows.get(session, JobRecord, project=PROJECT, id=job.id).error["code"]
            == "time_limit_exceeded"
        )


def test_cancelling_is_immediate_when_queued_and_a_request_when_running(zoo: Zoo):
    queued, running = submitted(zoo), submitted(zoo, priority=1)
    job = claim(zoo)
    with zoo.transaction() as session:
        assert jobs.cancel(session, project=PROJECT, job_id=queued).state == "cancelled"
        assert jobs.cancel(session, project=PROJECT, job_id=running).state == "running"
        jobs.cancel(session, project=PROJECT, job_id=running)
        jobs.cancel(session, project=PROJECT, job_id=queued)

    with zoo.transaction() as session:
        assert (
            lifecycle.heartbeat(session, job_id=job.id, fence=job.fence, lease_seconds=1)
            is LeaseStatus.CANCEL
        )
    assert finish(zoo, job, AttemptStatus.LOST).state == "cancelled"


def test_a_retried_job_keeps_its_fence_and_checkpoint(zoo: Zoo):
    submitted(zoo)
    job = claim(zoo)
    with zoo.transaction() as session:
        lifecycle.set_checkpoint(session, job_id=job.id, fence=job.fence, sha256="c" * 64)
    finish(zoo, job, AttemptStatus.FAILED, error={"code": "bad"})

    with zoo.transaction() as session:
        again = jobs.retry(session, project=PROJECT, job_id=job.id)

    assert (again.state, again.attempts, again.error) == ("queued", 0, None)
    assert claim(zoo).fence == 2
    assert again.checkpoint_sha256 == "c" * 64


def test_a_retry_is_refused_while_an_equal_job_is_active(zoo: Zoo):
    submitted(zoo, cache_key="k")
    job = claim(zoo)
    finish(zoo, job, AttemptStatus.FAILED)
    submitted(zoo, cache_key="k")

    with zoo.transaction() as session, pytest.raises(ConflictError, match="equal"):
        jobs.retry(session, project=PROJECT, job_id=job.id)


def test_events_count_from_one_without_gaps(zoo: Zoo):
    job_id = submitted(zoo)
    job = claim(zoo)
    with zoo.transaction() as session:
        lifecycle.heartbeat(session, job_id=job_id, fence=1, lease_seconds=9, progress={"step": 1})
    finish(zoo, job, AttemptStatus.SUCCEEDED)

    with zoo.transaction() as session:
        events = jobs.events_after(session, job_id=job_id, seq=0)
        later = jobs.events_after(session, job_id=job_id, seq=2)

    assert [e.seq for e in events] == [1, 2, 3, 4]
    assert [e.type for e in events] == ["queued", "started", "progress", "succeeded"]
    assert [e.seq for e in later] == [3, 4]


def test_a_failed_check_rejects_the_dataset_and_a_retry_takes_that_back(zoo: Zoo):
    with zoo.transaction() as session:
        a_dataset(session)
    submitted(zoo)
    states = []

    def look() -> None:
        with zoo.transaction() as session:
            states.append(session.get_one(DatasetRecord, "dst_1").state)

    job = claim(zoo)
    look()
    finish(zoo, job, AttemptStatus.FAILED, error={"code": "bad", "detail": "no"})
    look()
    with zoo.transaction() as session:
        jobs.retry(session, project=PROJECT, job_id=job.id)
    look()

    assert states == ["checking", "rejected", "uploaded"]


def test_pages_walk_all_jobs_newest_first(zoo: Zoo):
    ids = [submitted(zoo) for _ in range(5)]
    with zoo.transaction() as session:
        read = partial(job_lists.page, session, project=PROJECT, limit=3)
        first = read(where=JobFilter(), after=None)
        rest = read(where=JobFilter(), after=first.next_after(3))
        none = read(where=JobFilter(state=JobState.RUNNING), after=None)

    assert [j.id for j in [*first.items, *rest.items]] == sorted(ids, reverse=True)
    assert none.items == []
