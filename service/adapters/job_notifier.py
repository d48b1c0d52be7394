"""The bell: tells workers through Celery that jobs are waiting. It is never the record.

The message is a job's id, for the log's sake; a worker that hears it claims the best job there
is. A lost or repeated message changes nothing but time.
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
    """The address as Celery spells it: ``unix://`` becomes ``redis+socket://``."""
    return redis_url.replace("unix://", "redis+socket://", 1)


def client_url(redis_url: str) -> str:
    """The address as the Redis client spells it."""
    return redis_url.replace("redis+socket://", "unix://", 1)


class CeleryJobNotifier:
    """Rings for jobs of a queue, and tells how many rings nobody has answered yet."""

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
        """Ring once for each job. Raises UnavailableError when the broker does not answer."""
        try:
            with self._celery.producer_or_acquire() as producer:
                for job_id in job_ids:
                    self._celery.send_task(
                        TASK_NAME, args=[job_id], queue=queue, producer=producer, retry=False
                    )
        except (OperationalError, RedisError, OSError) as error:
            raise _broker_unavailable() from error

    def pending(self, *, queue: str) -> int:
        """Messages waiting in the queue. Raises UnavailableError."""
        try:
            return int(self._redis.llen(queue))
        except (RedisError, OSError) as error:
            raise _broker_unavailable() from error

    def close(self) -> None:
        """Give the connections back."""
        self._celery.close()
        self._redis.close()


def _broker_unavailable() -> UnavailableError:
    return UnavailableError(
        "the broker does not answer; jobs start a few seconds later than usual",
        code="broker_unavailable",
        remedy="look at Redis under ZOO_REDIS_URL; no job is lost meanwhile",
    )
