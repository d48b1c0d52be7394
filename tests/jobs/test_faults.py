"""Whatever is killed, stopped or notified twice: every job ends exactly once and nothing is left over."""

import signal

import pytest
from sqlalchemy import text

from service.adapters.job_notifier import CeleryJobNotifier
from service.core.errors import ConflictError
from service.core.tables import JobState
from service.scheduler import expiry
from tests.jobs.cluster import TestCluster
from tests.waiting import HANG_SECONDS, eventually

pytestmark = [pytest.mark.slow, pytest.mark.faults]


def test_a_killed_child_is_replaced_and_the_job_succeeds(cluster: TestCluster):
    job_id = cluster.submit_endless()
    child = cluster.child_of(job_id)
    cluster.shorten(job_id)

    child.kill()
    job = cluster.ended(job_id)

    assert (job.state, job.attempts, job.fence) == (JobState.SUCCEEDED, 2, 2)
    assert cluster.model_of(job_id).state == "ready"


def test_a_poison_job_fails_when_its_attempts_are_used_up(cluster: TestCluster):
    job_id = cluster.submit_endless(max_attempts=2)

    for _ in range(2):
        child = cluster.child_of(job_id)
        child.kill()
        child.wait(timeout=HANG_SECONDS)
    job = cluster.ended(job_id)

    assert (job.state, job.error["code"]) == (JobState.FAILED, "job_process_died")
    assert cluster.model_of(job_id).state == "rejected"


def test_a_worker_renews_the_lease_of_a_running_job(cluster: TestCluster):
    job_id = cluster.submit_endless()
    cluster.running(job_id)
    first = cluster.job(job_id).lease_until

    eventually(lambda: cluster.job(job_id).lease_until > first)

    cluster.cancel(job_id)
    assert cluster.ended(job_id).fence == 1


def test_the_job_of_a_killed_worker_is_taken_over_when_its_lease_expires(cluster: TestCluster):
    cluster.start_workers(2)
    job_id = cluster.submit_endless()
    cluster.running(job_id)
    cluster.shorten(job_id)

    cluster.stop_worker(cluster.holder(job_id))
    until = cluster.end_lease(job_id, seconds=2)
    job = cluster.ended(job_id)

    requeued = next(event for event in cluster.events(job_id) if event.type == "requeued")
    assert (job.state, job.attempts, job.fence) == (JobState.SUCCEEDED, 2, 2)
    assert requeued.data["reason"]["code"] == "worker_lost"
    assert requeued.at >= until


def test_a_stopping_worker_releases_its_job_without_counting_the_attempt(cluster: TestCluster):
    cluster.start_workers(2)
    job_id = cluster.submit_endless()
    cluster.running(job_id)
    cluster.shorten(job_id)

    cluster.stop_worker(cluster.holder(job_id), signal.SIGTERM)
    job = cluster.ended(job_id)

    assert (job.state, job.attempts, job.fence) == (JobState.SUCCEEDED, 1, 2)


def test_a_dead_fork_server_is_replaced(cluster: TestCluster):
    job_id = cluster.submit_endless()
    child = cluster.child_of(job_id)
    cluster.shorten(job_id)

    child.parent().kill()
    job = cluster.ended(job_id)

    assert (job.state, job.attempts) == (JobState.SUCCEEDED, 2)
    eventually(lambda: not child.is_running())


def test_a_frozen_worker_that_lost_its_job_changes_nothing(cluster: TestCluster):
    cluster.start_workers(2)
    job_id = cluster.submit_endless()
    cluster.running(job_id)
    cluster.shorten(job_id)
    first = cluster.holder(job_id)
    frozen = cluster.child_of(job_id)

    cluster.freeze(first)
    cluster.end_lease(job_id)
    cluster.taken_over(job_id)
    first.send(signal.SIGCONT)
    frozen.wait(timeout=HANG_SECONDS)
    job = cluster.ended(job_id)

    assert (job.state, job.attempts) == (JobState.SUCCEEDED, 2)
    assert not job.worker.endswith(f":{first.pid}")


def test_a_hundred_notifications_for_one_job_start_it_once(cluster: TestCluster):
    notifier = CeleryJobNotifier(cluster.processes.redis_url)
    job_id = cluster.submit()

    notifier.notify([job_id] * 100, queue="cpu")
    job = cluster.ended(job_id)
    eventually(lambda: notifier.pending(queue="cpu") == 0)

    assert (job.state, job.fence) == (JobState.SUCCEEDED, 1)
    assert [e.type for e in cluster.events(job_id)].count("started") == 1
    notifier.close()


def test_a_flushed_broker_only_delays(cluster: TestCluster):
    jobs = [cluster.submit() for _ in range(4)]

    cluster.processes.flush_broker()

    assert {cluster.ended(job_id).state for job_id in jobs} == {JobState.SUCCEEDED}


def test_a_dead_broker_only_delays(cluster: TestCluster):
    cluster.redis.send(signal.SIGKILL)
    cluster.redis.process.wait()
    without = cluster.submit()

    assert cluster.ended(without).state == JobState.SUCCEEDED

    cluster.redis = cluster.processes.redis()
    after = cluster.submit()
    assert cluster.ended(after).state == JobState.SUCCEEDED


def test_a_crash_of_the_database_loses_nothing(cluster: TestCluster):
    running, queued = cluster.submit(seconds=4), cluster.submit()
    cluster.running(running)

    cluster.crash_postgres()
    job = cluster.ended(running)

    assert (job.state, job.fence) == (JobState.SUCCEEDED, job.attempts)
    assert cluster.ended(queued).state == JobState.SUCCEEDED


def test_a_job_can_be_cancelled_in_every_state(cluster: TestCluster):
    running = cluster.submit_endless()
    waiting = cluster.submit_endless(depends_on=[running])
    cluster.running(running)
    child = cluster.child_of(running)

    cluster.cancel(waiting)
    assert cluster.ended(waiting).state == JobState.CANCELLED
    cluster.cancel(running)
    job = cluster.ended(running)

    assert job.state == JobState.CANCELLED
    eventually(lambda: not child.is_running())
    assert cluster.model_of(running).problems[0]["code"] == "cancelled"
    cluster.cancel(running)
    done = cluster.submit()
    cluster.ended(done)
    with pytest.raises(ConflictError):
        cluster.cancel(done)


def test_a_job_is_cancelled_while_it_starts(cluster: TestCluster):
    jobs = [cluster.submit_endless() for _ in range(3)]

    for job_id in jobs:
        cluster.cancel(job_id)

    assert {cluster.ended(job_id).state for job_id in jobs} == {JobState.CANCELLED}


def test_a_cancelled_job_of_a_killed_worker_is_not_started_again(cluster: TestCluster):
    cluster.start_workers(2)
    job_id = cluster.submit_endless()
    cluster.running(job_id)
    holder = cluster.holder(job_id)
    cluster.freeze(holder)
    cluster.cancel(job_id)
    cluster.stop_worker(holder)

    cluster.end_lease(job_id)
    job = cluster.ended(job_id)

    assert (job.state, job.attempts) == (JobState.CANCELLED, 1)


def test_nothing_is_left_when_all_is_done(cluster: TestCluster):
    with cluster.zoo.engine.connect() as connection:
        active = connection.execute(
            text("SELECT count(*) FROM jobs WHERE state IN ('queued', 'running')")
        ).scalar_one()

    assert active == 0
    eventually(lambda: not cluster.children())
    expiry.remove_expired(cluster.zoo)
    eventually(lambda: not list(cluster.zoo.scratch.iterdir()))
