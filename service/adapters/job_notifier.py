"""Notifies workers through Celery that jobs are queued; the database stays the only record.

A message carries a job id for the log only: the worker that receives it claims the best queued job.
A lost or repeated message costs time and nothing else.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from celery import Celery
from kombu.exceptions import KombuError
from kombu.transport.redis import Channel
from redis import Redis
from redis.exceptions import RedisError

from service.adapters.redis_address import CONNECT_TIMEOUT_SECONDS, broker_url, client_url
from service.adapters.worker_registry import KeyType, WorkerRegistry
from service.core.errors import UnavailableError

TASK_NAME = "run_job"
T = TypeVar("T")
TRANSPORT = {
    "socket_connect_timeout": CONNECT_TIMEOUT_SECONDS,
    "socket_timeout": 10.0,
    "socket_keepalive": True,
}


def keys_of(queue: str) -> Mapping[str, KeyType]:
    """The keys that Celery uses for a queue, with their types."""
    priorities = (f"{queue}{Channel.sep}{step}" for step in Channel.priority_steps if step)
    return {
        **dict.fromkeys((queue, *priorities), KeyType.LIST),
        Channel.keyprefix_queue % (queue,): KeyType.SET,
        Channel.keyprefix_binding_permanent % (queue,): KeyType.SET,
        Channel.unacked_key: KeyType.HASH,
        Channel.unacked_index_key: KeyType.SORTED_SET,
    }


class CeleryJobNotifier:
    """Sends job notifications to a queue and counts those that no worker has received yet."""

    def __init__(self, redis_url: str) -> None:
        self._celery = Celery(broker=broker_url(redis_url))
        self._celery.conf.update(
            broker_transport_options=TRANSPORT,
            broker_connection_timeout=CONNECT_TIMEOUT_SECONDS,
            broker_connection_retry=False,
            task_ignore_result=True,
            task_serializer="json",
            accept_content=["json"],
        )
        self._redis = Redis.from_url(
            client_url(redis_url),
            socket_connect_timeout=CONNECT_TIMEOUT_SECONDS,
            socket_timeout=CONNECT_TIMEOUT_SECONDS,
        )
        self._registry = WorkerRegistry(self._redis)

    def notify(self, job_ids: Sequence[str], *, queue: str) -> None:
        """Send one notification per job. Raises UnavailableError if the broker does not answer."""

        def send() -> None:
            with self._celery.producer_or_acquire() as producer:
                for job_id in job_ids:
                    self._celery.send_task(
                        TASK_NAME, args=[job_id], queue=queue, producer=producer, retry=False
                    )

        self._try(send, queue)

    def pending(self, *, queue: str) -> int:
        """Number of messages in the queue. Raises UnavailableError."""
        return self._try(lambda: int(self._redis.llen(queue)), queue)

    def _try(self, call: Callable[[], T], queue: str) -> T:
        """What a call on a queue returns. Raises UnavailableError."""
        try:
            return self._registry.with_own_keys(keys_of(queue), call)
        except (KombuError, RedisError, OSError) as error:
            raise _broker_unavailable() from error

    def close(self) -> None:
        """Close the connections."""
        self._celery.close()
        self._redis.close()


def _broker_unavailable() -> UnavailableError:
    return UnavailableError(
        "the broker does not answer; jobs start a few seconds later than usual",
        code="broker_unavailable",
        remedy="check Redis at ZOO_REDIS_URL; no job is lost meanwhile",
    )
