"""The line between doors and the workers that answer questions: two kinds of list in Redis.

A question waits in one list for whichever worker is free; its answer is laid in a list of its own.
Nothing is kept: a question that nobody waits for any more is dropped.
"""

import time
from collections.abc import Callable
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from service.adapters.job_notifier import SECONDS_TO_CONNECT, client_url
from service.core.errors import FieldProblem, InvalidRequestError, MethodError, UnavailableError
from service.core.predict_messages import PredictRequest, PredictResponse

_QUESTIONS = "zoo:questions"
_PRESENT = "zoo:answering"
PRESENCE_SECONDS = 15
_ANSWER_KEPT_SECONDS = 60


class PredictQueue:
    """Both ends of the line. Thread-safe."""

    def __init__(self, redis_url: str) -> None:
        self._redis = Redis.from_url(
            client_url(redis_url),
            socket_connect_timeout=SECONDS_TO_CONNECT,
            socket_timeout=None,
        )

    def ask(self, question: PredictRequest) -> PredictResponse:
        """The answer, waited for until the question expires.

        Raises:
            UnavailableError: No worker answers: ``no_prediction_worker``, ``prediction_timed_out``.
            InvalidRequestError: The network cannot answer this: the images, the layer, the output.
            MethodError: The network failed.
        """
        if not self._try(lambda: self._redis.exists(_PRESENT)):
            raise UnavailableError(
                "no worker is there to run networks",
                code="no_prediction_worker",
                remedy="start a worker with `zooscope up`, or wait until it is ready",
            )
        self._try(lambda: self._redis.rpush(_QUESTIONS, question.packed()))
        left = max(0.1, question.expires_at - time.time())
        found = self._try(lambda: self._redis.blpop([_place_of(question.id)], timeout=left))
        if found is None:
            raise UnavailableError(
                "the network did not answer in time",
                code="prediction_timed_out",
                remedy="send fewer images, or raise ZOO_PREDICT_TIMEOUT_SECONDS",
            )
        answer = PredictResponse.unpacked(found[1])
        if answer.error is not None:
            raise _error_of(answer.error)
        return answer

    def take(self, *, most: int, seconds: float) -> list[PredictRequest]:
        """Questions that wait, oldest first; none when there is none for so long.

        Raises:
            UnavailableError: ``broker_unavailable``.
        """
        first = self._try(lambda: self._redis.blpop([_QUESTIONS], timeout=seconds))
        if first is None:
            return []
        others = self._try(lambda: self._redis.lpop(_QUESTIONS, most - 1)) if most > 1 else None
        return [PredictRequest.unpacked(data) for data in (first[1], *(others or ()))]

    def reply(self, question_id: str, answer: PredictResponse) -> None:
        """Lay an answer where its question is waited for. Raises UnavailableError."""
        place = _place_of(question_id)
        with self._redis.pipeline() as pipeline:
            pipeline.rpush(place, answer.packed())
            pipeline.expire(place, _ANSWER_KEPT_SECONDS)
            self._try(pipeline.execute)

    def be_present(self) -> None:
        """Say that somebody answers, for the next seconds. Raises UnavailableError."""
        self._try(lambda: self._redis.set(_PRESENT, "1", ex=PRESENCE_SECONDS))

    def close(self) -> None:
        """Give the connections back."""
        self._redis.close()

    def _try(self, ask: Callable[[], Any]) -> Any:
        try:
            return ask()
        except (RedisError, OSError) as error:
            raise UnavailableError(
                "the broker does not answer",
                code="broker_unavailable",
                remedy="look at Redis under ZOO_REDIS_URL",
            ) from error


def _place_of(question_id: str) -> str:
    return f"zoo:answer:{question_id}"


def _error_of(told: dict[str, Any]) -> InvalidRequestError | MethodError:
    """The error that a worker told: the asker's fault where a field is named."""
    said = {"code": told["code"], "remedy": told.get("remedy")}
    pointer = told.get("pointer")
    if pointer is None:
        return MethodError(told["detail"], **said)
    return InvalidRequestError(
        told["detail"], **said, errors=[FieldProblem(pointer, told["detail"])]
    )
