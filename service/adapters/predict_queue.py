"""The queue between the APIs and the workers that run predictions, made of lists in Redis.

Requests wait in one shared list for the next free worker; each response goes to a list of its own.
Nothing is persistent: a request whose caller has stopped waiting is dropped.
"""

import time
from collections.abc import Callable
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from service.adapters.job_notifier import CONNECT_TIMEOUT_SECONDS, client_url
from service.core.errors import FieldProblem, InvalidRequestError, MethodError, UnavailableError
from service.core.predict_messages import PredictRequest, PredictResponse

_REQUESTS_KEY = "zoo:questions"
_PRESENCE_KEY = "zoo:answering"
PRESENCE_SECONDS = 15
_RESPONSE_TTL_SECONDS = 60


class PredictQueue:
    """Both ends of the queue. Thread-safe."""

    def __init__(self, redis_url: str) -> None:
        self._redis = Redis.from_url(
            client_url(redis_url),
            socket_connect_timeout=CONNECT_TIMEOUT_SECONDS,
            socket_timeout=None,
        )

    def call(self, request: PredictRequest) -> PredictResponse:
        """The response, waited for until the request expires.

        Raises:
            UnavailableError: No worker responds: ``no_prediction_worker``, ``prediction_timed_out``.
            InvalidRequestError: The images, layer or output do not suit the network.
            MethodError: The network failed.
        """
        if not self._try(lambda: self._redis.exists(_PRESENCE_KEY)):
            raise UnavailableError(
                "no worker is available to run networks",
                code="no_prediction_worker",
                remedy="start a worker with `zooscope up`, or wait until it is ready",
            )
        self._try(lambda: self._redis.rpush(_REQUESTS_KEY, request.packed()))
        timeout = max(0.1, request.expires_at - time.time())
        item = self._try(lambda: self._redis.blpop([_response_key(request.id)], timeout=timeout))
        if item is None:
            raise UnavailableError(
                "the network did not answer in time",
                code="prediction_timed_out",
                remedy="send fewer images, or raise ZOO_PREDICT_TIMEOUT_SECONDS",
            )
        response = PredictResponse.unpacked(item[1])
        if response.error is not None:
            raise _error_of(response.error)
        return response

    def take(self, *, most: int, seconds: float) -> list[PredictRequest]:
        """Waiting requests, oldest first; empty if none arrives within ``seconds``.

        Raises:
            UnavailableError: ``broker_unavailable``.
        """
        first = self._try(lambda: self._redis.blpop([_REQUESTS_KEY], timeout=seconds))
        if first is None:
            return []
        rest = self._try(lambda: self._redis.lpop(_REQUESTS_KEY, most - 1)) if most > 1 else None
        return [PredictRequest.unpacked(data) for data in (first[1], *(rest or ()))]

    def reply(self, request_id: str, response: PredictResponse) -> None:
        """Send a response to the caller that waits for it. Raises UnavailableError."""
        key = _response_key(request_id)
        with self._redis.pipeline() as pipeline:
            pipeline.rpush(key, response.packed())
            pipeline.expire(key, _RESPONSE_TTL_SECONDS)
            self._try(pipeline.execute)

    def announce_presence(self) -> None:
        """Announce for the next seconds that a worker responds. Raises UnavailableError."""
        self._try(lambda: self._redis.set(_PRESENCE_KEY, "1", ex=PRESENCE_SECONDS))

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()

    def _try(self, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except (RedisError, OSError) as error:
            raise UnavailableError(
                "the broker does not answer",
                code="broker_unavailable",
                remedy="check Redis at ZOO_REDIS_URL",
            ) from error


def _response_key(request_id: str) -> str:
    return f"zoo:answer:{request_id}"


def _error_of(error: dict[str, Any]) -> InvalidRequestError | MethodError:
    """The error that a worker reported; one that names a field is the caller's."""
    advice = {"code": error["code"], "remedy": error.get("remedy")}
    pointer = error.get("pointer")
    if pointer is None:
        return MethodError(error["detail"], **advice)
    return InvalidRequestError(
        error["detail"], **advice, errors=[FieldProblem(pointer, error["detail"])]
    )
