"""Notifies workers through Celery that jobs are queued; the database stays the only record.

A message carries a job id for the log only: the worker that receives it claims the best queued job.
A lost or repeated message costs time and nothing else.
"""

from collections.abc import Sequence

from celery import Celery
from kombu.exceptions import OperationalError
from redis import Redis
from redis.exceptions import RedisError

from service.core.errors import UnavailableError

TASK_NAME = "run_job"
CONNECT_TIMEOUT_SECONDS = 2.0
TRANSPORT = {
    "socket_connect_timeout": CONNECT_TIMEOUT_SECONDS,
    "socket_timeout": 10.0,
    "socket_keepalive": True,
}


def broker_url(redis_url: str) -> str:
    """The URL in Celery's form: ``unix://`` becomes ``redis+socket://``."""
    return redis_url.replace("unix://", "redis+socket://", 1)


def client_url(redis_url: str) -> str:
    """The URL in the form of the Redis client."""
    return redis_url.replace("redis+socket://", "unix://", 1)


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

    def notify(self, job_ids: Sequence[str], *, queue: str) -> None:
        """Send one notification per job. Raises UnavailableError if the broker does not answer."""
        try:
            with self._celery.producer_or_acquire() as producer:
                for job_id in job_ids:
                    self._celery.send_task(
                        TASK_NAME, args=[job_id], queue=queue, producer=producer, retry=False
                    )
        except (OperationalError, RedisError, OSError) as error:
            raise _broker_unavailable() from error

    def pending(self, *, queue: str) -> int:
        """Number of messages in the queue. Raises UnavailableError."""
        try:
            return int(self._redis.llen(queue))
        except (RedisError, OSError) as error:
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
