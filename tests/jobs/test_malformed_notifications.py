"""Whatever is pushed into a queue of jobs, the worker lives, counts it and runs the jobs."""

import base64
import json
from contextlib import closing

import pytest
from redis import Redis

from service.adapters.job_notifier import CeleryJobNotifier, keys_of
from service.adapters.notification_transport import job_of, notification
from service.adapters.worker_registry import MessageKind, WorkerRegistry
from service.core.ids import IdKind, new_id
from tests.jobs.cluster import TestCluster
from tests.waiting import eventually

pytestmark = pytest.mark.slow


def encoded(body: object) -> str:
    return base64.b64encode(json.dumps(body).encode()).decode()


def changed(**fields: object) -> str:
    return json.dumps({**notification(new_id(IdKind.JOB), "cpu"), **fields})


JUNK = {
    "noise": b"\x00\xff\xfe garbage",
    "nothing": b"",
    "text": b"hello",
    "null": b"null",
    "a number": b"7",
    "a list": b"[1, 2]",
    "an empty object": b"{}",
    "deep nesting": b"[" * 100_000,
    "a date that kombu decodes": b'{"__type__": "datetime", "__value__": "never"}',
    "a decimal that kombu decodes": b'{"__type__": "decimal", "__value__": "x"}',
    "a body that is no text": changed(body=7),
    "a body that is not base64": changed(body="!!"),
    "a body that is not JSON": changed(body=base64.b64encode(b"\xff").decode()),
    "a body of another form": changed(body=encoded({"a": 1})),
    "no argument": changed(body=encoded([[], {}, {}])),
    "a path as the id": changed(body=encoded([["../../etc/passwd"], {}, {}])),
    "a number as the id": changed(body=encoded([[7], {}, {}])),
    "headers that are a list": changed(headers=[]),
    "no headers": changed(headers=None),
    "another task": changed(headers={"task": "os.system", "id": "x"}),
}


@pytest.mark.faults
def test_malformed_notifications_are_dropped_and_counted_and_jobs_still_run(cluster: TestCluster):
    (worker,) = cluster.workers
    with (
        closing(Redis(unix_socket_path=str(cluster.processes.socket))) as redis,
        closing(WorkerRegistry.at(cluster.processes.redis_url)) as registry,
    ):
        redis.lpush("cpu", *JUNK.values())
        job = cluster.submit()
        redis.lpush("cpu", *JUNK.values())

        eventually(
            lambda: registry.dropped()[MessageKind.NOTIFICATION] == 2 * len(JUNK),
            facts=lambda: (registry.dropped(), worker.log.read_text()[-3000:]),
        )

    assert cluster.ended(job).state == "succeeded"
    assert worker.process.poll() is None


@pytest.mark.faults
def test_a_notification_reaches_the_worker_after_malformed_ones(cluster: TestCluster):
    worker = cluster.processes.worker(ZOO_LOG_LEVEL="DEBUG")
    with (
        closing(Redis(unix_socket_path=str(cluster.processes.socket))) as redis,
        closing(CeleryJobNotifier(cluster.processes.redis_url)) as notifier,
    ):
        redis.lpush("cpu", *JUNK.values())

        def is_reached() -> bool:
            # Another worker receives some of them, or all.
            notifier.notify([new_id(IdKind.JOB) for _ in range(20)], queue="cpu")
            return worker.has_logged("notified")

        eventually(is_reached)
        eventually(lambda: redis.llen("cpu") == 0)


FOREIGN = b"of somebody else"


def moved_aside(redis: Redis, key: str) -> bool:
    """Whether the data that was at a key is aside, unchanged."""
    return [redis.get(name) for name in redis.scan_iter(f"zoo:aside:{key}:*")] == [FOREIGN]


@pytest.mark.faults
def test_keys_of_another_type_are_moved_aside_and_jobs_still_run(cluster: TestCluster):
    (worker,) = cluster.workers
    used = [key for key in keys_of("cpu") if "binding" not in key]
    with (
        closing(Redis(unix_socket_path=str(cluster.processes.socket))) as redis,
        closing(WorkerRegistry.at(cluster.processes.redis_url)) as registry,
    ):
        redis.delete(*used)
        redis.mset(dict.fromkeys(used, FOREIGN))

        assert cluster.ended(cluster.submit()).state == "succeeded"
        eventually(
            lambda: all(moved_aside(redis, key) for key in used),
            facts=lambda: ([*redis.scan_iter()], worker.log.read_text()[-3000:]),
        )
        assert registry.dropped()[MessageKind.KEY] == len(used)
    assert worker.process.poll() is None


@pytest.mark.faults
def test_a_worker_starts_on_bindings_of_another_type(cluster: TestCluster):
    with closing(Redis(unix_socket_path=str(cluster.processes.socket))) as redis:
        bindings = [key for key in keys_of("cpu") if "binding" in key]
        assert redis.delete(*bindings) == len(bindings)
        redis.mset(dict.fromkeys(bindings, FOREIGN))

        worker = cluster.processes.worker()

        eventually(lambda: worker.has_logged("worker ready"))
        assert all(moved_aside(redis, key) for key in bindings)
        assert {redis.type(key) for key in bindings} == {b"set"}


@pytest.mark.parametrize("key", keys_of("unserved"))
def test_the_notifier_moves_a_key_of_another_type_aside(cluster: TestCluster, key: str):
    with (
        closing(Redis(unix_socket_path=str(cluster.processes.socket))) as redis,
        closing(CeleryJobNotifier(cluster.processes.redis_url)) as notifier,
    ):
        redis.delete(*keys_of("unserved"))
        redis.set(key, FOREIGN)

        notifier.notify([new_id(IdKind.JOB)], queue="unserved")

        assert notifier.pending(queue="unserved") == 1
        redis.delete(*keys_of("unserved"))


def test_what_the_notifier_sends_names_its_job(cluster: TestCluster):
    job_id = new_id(IdKind.JOB)
    with (
        closing(Redis(unix_socket_path=str(cluster.processes.socket))) as redis,
        closing(CeleryJobNotifier(cluster.processes.redis_url)) as notifier,
    ):
        notifier.notify([job_id], queue="unserved")
        sent = json.loads(redis.rpop("unserved"))

    assert job_of(sent) == job_id
    assert job_of(notification(job_id, "cpu")) == job_id


@pytest.mark.parametrize("message", [None, 1, [], {}, {"headers": {"task": "run_job"}}])
def test_what_names_no_job_is_no_notification(message: object):
    with pytest.raises(ValueError, match=r".+"):
        job_of(message)
