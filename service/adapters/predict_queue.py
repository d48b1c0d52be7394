"""The queue between the APIs and the workers that run predictions, made of lists in Redis.

Requests wait in one shared list for the next free worker; each response goes to a list of its own.
Nothing is persistent: a request whose caller has stopped waiting is dropped.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from service.adapters.redis_address import CONNECT_TIMEOUT_SECONDS, client_url
from service.adapters.worker_registry import PRESENCE_SECONDS, KeyType, MessageKind, WorkerRegistry
from service.core.errors import (
    BlobDamagedError,
    ConflictError,
    FieldProblem,
    InvalidRequestError,
    MethodError,
    StorageFullError,
    UnavailableError,
    ZooError,
)
from service.core.machine_faults import MACHINE_FAULT
from service.core.predict_messages import (
    INTERNAL,
    INVALID_FRAME,
    ErrorDetails,
    PredictRequest,
    PredictResponse,
    request_id_in,
)

_REQUESTS_KEY = "zoo:questions"
_PRESENCE_KEY = "zoo:answering"
_RESPONSE_TTL_SECONDS = 60
# A wait is made of short ones, so that a Redis that hangs is not mistaken for one that waits.
_LONGEST_BLOCK_SECONDS = 1.0


class PredictQueue:
    """Both ends of the queue. Thread-safe."""

    def __init__(self, redis_url: str) -> None:
        self._redis = Redis.from_url(
            client_url(redis_url),
            socket_connect_timeout=CONNECT_TIMEOUT_SECONDS,
            socket_timeout=_LONGEST_BLOCK_SECONDS + CONNECT_TIMEOUT_SECONDS,
            # A connection from before a restart of Redis fails once.
            retry=Retry(NoBackoff(), 1),
        )
        self.registry = WorkerRegistry(self._redis)

    def call(self, request: PredictRequest) -> PredictResponse:
        """The response, waited for until the request expires.

        Raises:
            UnavailableError: No worker responds: ``no_prediction_worker``, ``prediction_timed_out``;
                or Redis does not: ``broker_unavailable``.
            InvalidRequestError: The images, layer or output do not suit the network.
            MethodError: The network failed.
        """
        if not self._try(lambda: self._redis.exists(_PRESENCE_KEY)):
            raise UnavailableError(
                "no worker is available to run networks",
                code="no_prediction_worker",
                remedy="start a worker with `zooscope up`, or wait until it is ready",
            )
        self._push(request)
        response = self._await_response(request)
        if response.error is not None:
            raise _error_of(response.error)
        return response

    def _push(self, request: PredictRequest) -> None:
        """Queue the request; by Redis' own clock it lasts as long as its caller waits."""
        milliseconds = max(1, int(request.timeout_seconds * 1000))

        def push() -> None:
            with self._redis.pipeline() as pipeline:
                pipeline.set(_caller_key(request.id), "1", px=milliseconds)
                pipeline.rpush(_REQUESTS_KEY, request.packed())
                pipeline.execute()

        self._try(push)

    def _await_response(self, request: PredictRequest) -> PredictResponse:
        """The first well-formed response in time. Raises UnavailableError."""
        key, give_up = _response_key(request.id), time.monotonic() + request.timeout_seconds
        while (seconds_left := give_up - time.monotonic()) > 0:
            timeout = min(_LONGEST_BLOCK_SECONDS, max(0.1, seconds_left))
            item = self._try(partial(self._redis.blpop, [key], timeout=timeout), key)
            if item is None:
                continue
            try:
                return PredictResponse.unpacked(item[1])
            except InvalidRequestError as error:
                self.registry.count_dropped(MessageKind.PREDICT_RESPONSE, reason=error.detail)
        raise UnavailableError(
            "the network did not answer in time",
            code="prediction_timed_out",
            remedy="send fewer images, or raise ZOO_PREDICT_TIMEOUT_SECONDS",
        )

    def take(self, *, most: int, seconds: float) -> list[PredictRequest]:
        """Requests whose callers wait, oldest first; empty if none arrives within ``seconds``.

        Malformed requests are dropped.

        Raises:
            UnavailableError: ``broker_unavailable``.
        """
        first = self._try(lambda: self._redis.blpop([_REQUESTS_KEY], timeout=seconds))
        if first is None:
            return []
        rest = self._try(lambda: self._redis.lpop(_REQUESTS_KEY, most - 1)) if most > 1 else None
        requests = [self._request(data) for data in (first[1], *(rest or ()))]
        return self.with_waiting_callers([request for request in requests if request is not None])

    def _request(self, data: bytes) -> PredictRequest | None:
        """The request in a message; None if it is malformed."""
        try:
            return PredictRequest.unpacked(data)
        except InvalidRequestError as error:
            self.registry.count_dropped(MessageKind.PREDICT_REQUEST, reason=error.detail)
            request_id = request_id_in(data)
            if request_id is not None:
                # Its caller need not wait for its time to run out.
                details = ErrorDetails(code=error.code, detail=error.detail, remedy=error.remedy)
                self.reply(request_id, PredictResponse(None, error=details))
            return None

    def with_waiting_callers(self, requests: Sequence[PredictRequest]) -> list[PredictRequest]:
        """The requests whose callers still wait. Raises UnavailableError."""
        if not requests:
            return []
        keys = [_caller_key(request.id) for request in requests]
        waiting = self._try(lambda: self._redis.mget(keys))
        return [request for request, mark in zip(requests, waiting, strict=True) if mark]

    def reply(self, request_id: str, response: PredictResponse) -> None:
        """Send a response to the caller that waits for it. Raises UnavailableError."""
        key = _response_key(request_id)

        def push() -> None:
            with self._redis.pipeline() as pipeline:
                pipeline.rpush(key, response.packed())
                pipeline.expire(key, _RESPONSE_TTL_SECONDS)
                pipeline.delete(_caller_key(request_id))
                pipeline.execute()

        self._try(push, key)

    def announce_presence(self) -> None:
        """Announce for the next seconds that a worker responds. Raises UnavailableError."""
        self._try(lambda: self._redis.set(_PRESENCE_KEY, "1", ex=PRESENCE_SECONDS))

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()

    def _try(self, call: Callable[[], Any], queue: str = _REQUESTS_KEY) -> Any:
        """What a call on a queue returns. Raises UnavailableError."""
        try:
            return self.registry.with_own_keys({queue: KeyType.LIST}, call)
        except (RedisError, OSError) as error:
            raise UnavailableError(
                "the broker does not answer",
                code="broker_unavailable",
                remedy="check Redis at ZOO_REDIS_URL",
            ) from error


def _response_key(request_id: str) -> str:
    return f"zoo:answer:{request_id}"


def _caller_key(request_id: str) -> str:
    """The key that exists while the caller of a request waits."""
    return f"zoo:caller:{request_id}"


_CLASSES: Mapping[str, type[ZooError]] = {
    BlobDamagedError.code: ConflictError,
    StorageFullError.code: StorageFullError,
    MACHINE_FAULT: UnavailableError,
    # Service and worker are of different versions, which a rolling restart ends.
    INVALID_FRAME: UnavailableError,
    INTERNAL: ZooError,
}


def _error_of(error: ErrorDetails) -> ZooError:
    """The error that a worker reported; one that names a field is the caller's."""
    advice: dict[str, Any] = {"code": error["code"], "remedy": error.get("remedy")}
    pointer = error.get("pointer")
    if pointer is None:
        return _CLASSES.get(error["code"], MethodError)(error["detail"], **advice)
    return InvalidRequestError(
        error["detail"], **advice, errors=[FieldProblem(pointer, error["detail"])]
    )
