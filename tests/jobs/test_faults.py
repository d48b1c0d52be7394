"""Whatever is killed, stopped or rung twice: every job ends exactly once and nothing is left over."""

import signal

import pytest
from sqlalchemy import text

from service.adapters.celery_bell import CeleryBell
from service.core.errors import ConflictError
from service.core.records import JobState
from service.scheduler import tidying
from tests.jobs.town import Town
from tests.waiting import HANG_SECONDS, eventually

pytestmark = pytest.mark.faults


def test_a_killed_child_is_replaced_and_the_job_succeeds(town: Town):
    job_id = town.submit_endless()
    child = town.child_of(job_id)
    town.shorten(job_id)

    child.kill()
    job = town.ended(job_id)

    assert (job.state, job.attempts, job.fence) == (JobState.SUCCEEDED, 2, 2)
    assert town.model_of(job_id).state == "ready"


def test_a_poison_job_fails_when_its_attempts_are_used_up(town: Town):
    job_id = town.submit_endless(max_attempts=2)

    for _ in range(2):
        child = town.child_of(job_id)
        child.kill()
        child.wait(timeout=HANG_SECONDS)
    job = town.ended(job_id)

    assert (job.state, job.error["code"]) == (JobState.FAILED, "child_lost")
    assert town.model_of(job_id).state == "rejected"


def test_a_worker_renews_the_lease_of_a_running_job(town: Town):
    job_id = town.submit_endless()
    town.running(job_id)
    first = town.job(job_id).lease_until

    eventually(lambda: town.job(job_id).lease_until > first)

    town.cancel(job_id)
    assert town.ended(job_id).fence == 1


def test_the_job_of_a_killed_worker_is_taken_over_when_its_lease_is_over(town: Town):
    town.staff(2)
    job_id = town.submit_endless()
    town.running(job_id)
    town.shorten(job_id)

    town.lay_off(town.holder(job_id))
    until = town.end_lease(job_id, seconds=2)
    job = town.ended(job_id)

    requeued = next(event for event in town.events(job_id) if event.type == "requeued")
    assert (job.state, job.attempts, job.fence) == (JobState.SUCCEEDED, 2, 2)
    assert requeued.data["reason"]["code"] == "worker_lost"
    assert requeued.at >= until


def test_a_stopping_worker_gives_its_job_back_without_counting_the_attempt(town: Town):
    town.staff(2)
    job_id = town.submit_endless()
    town.running(job_id)
    town.shorten(job_id)

    town.lay_off(town.holder(job_id), signal.SIGTERM)
    job = town.ended(job_id)

    assert (job.state, job.attempts, job.fence) == (JobState.SUCCEEDED, 1, 2)


def test_a_dead_nursery_is_replaced(town: Town):
    job_id = town.submit_endless()
    child = town.child_of(job_id)
    town.shorten(job_id)

    child.parent().kill()
    job = town.ended(job_id)

    assert (job.state, job.attempts) == (JobState.SUCCEEDED, 2)
    eventually(lambda: not child.is_running())


def test_a_frozen_worker_finds_its_job_taken_and_changes_nothing(town: Town):
    town.staff(2)
    job_id = town.submit_endless()
    town.running(job_id)
    town.shorten(job_id)
    first = town.holder(job_id)
    frozen = town.child_of(job_id)

    town.freeze(first)
    town.end_lease(job_id)
    town.taken_over(job_id)
    first.send(signal.SIGCONT)
    frozen.wait(timeout=HANG_SECONDS)
    job = town.ended(job_id)

    assert (job.state, job.attempts) == (JobState.SUCCEEDED, 2)
    assert not job.worker.endswith(f":{first.pid}")


def test_a_hundred_rings_for_one_job_start_it_once(town: Town):
    bell = CeleryBell(town.hall.redis_url)
    job_id = town.submit()

    bell.ring([job_id] * 100, queue="cpu")
    job = town.ended(job_id)
    eventually(lambda: bell.unanswered(queue="cpu") == 0)

    assert (job.state, job.fence) == (JobState.SUCCEEDED, 1)
    assert [e.type for e in town.events(job_id)].count("started") == 1
    bell.close()


def test_a_flushed_broker_only_delays(town: Town):
    jobs = [town.submit() for _ in range(4)]

    town.hall.flush_broker()

    assert {town.ended(job_id).state for job_id in jobs} == {JobState.SUCCEEDED}


def test_a_dead_broker_only_delays(town: Town):
    town.redis.send(signal.SIGKILL)
    town.redis.process.wait()
    without = town.submit()

    assert town.ended(without).state == JobState.SUCCEEDED

    town.redis = town.hall.redis()
    after = town.submit()
    assert town.ended(after).state == JobState.SUCCEEDED


def test_a_crash_of_the_database_loses_nothing(town: Town):
    running, queued = town.submit(seconds=4), town.submit()
    town.running(running)

    town.crash_postgres()
    job = town.ended(running)

    assert (job.state, job.fence) == (JobState.SUCCEEDED, job.attempts)
    assert town.ended(queued).state == JobState.SUCCEEDED


def test_a_job_is_cancelled_in_whatever_state_it_is(town: Town):
    running = town.submit_endless()
    waiting = town.submit_endless(depends_on=[running])
    town.running(running)
    child = town.child_of(running)

    town.cancel(waiting)
    assert town.ended(waiting).state == JobState.CANCELLED
    town.cancel(running)
    job = town.ended(running)

    assert job.state == JobState.CANCELLED
    eventually(lambda: not child.is_running())
    assert town.model_of(running).problems[0]["code"] == "cancelled"
    town.cancel(running)
    done = town.submit()
    town.ended(done)
    with pytest.raises(ConflictError):
        town.cancel(done)


def test_a_job_is_cancelled_while_it_starts(town: Town):
    jobs = [town.submit_endless() for _ in range(3)]

    for job_id in jobs:
        town.cancel(job_id)

    assert {town.ended(job_id).state for job_id in jobs} == {JobState.CANCELLED}


def test_a_cancelled_job_of_a_killed_worker_is_not_started_again(town: Town):
    town.staff(2)
    job_id = town.submit_endless()
    town.running(job_id)
    holder = town.holder(job_id)
    town.freeze(holder)
    town.cancel(job_id)
    town.lay_off(holder)

    town.end_lease(job_id)
    job = town.ended(job_id)

    assert (job.state, job.attempts) == (JobState.CANCELLED, 1)


def test_nothing_is_left_when_all_is_done(town: Town):
    with town.zoo.engine.connect() as connection:
        active = connection.execute(
            text("SELECT count(*) FROM jobs WHERE state IN ('queued', 'running')")
        ).scalar_one()

    assert active == 0
    eventually(lambda: not town.children())
    tidying.tidy(town.zoo)
    eventually(lambda: not list(town.zoo.scratch.iterdir()))
