"""Takes predict requests from the queue and has one child serve them, replaced when it fails.

While the child works, requests queue up; compatible ones are then served in one pass. No torch here.
"""

import contextlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from service.adapters.predict_queue import PredictQueue
from service.adapters.worker_registry import PRESENCE_SECONDS, WorkerFacts, worker_name
from service.container import Zoo
from service.core.errors import MethodError, UnavailableError, ZooError
from service.core.machine_faults import machine_fault_in
from service.core.predict_messages import (
    INTERNAL,
    MOST_IMAGES,
    ErrorDetails,
    PredictRequest,
    PredictResponse,
)
from workers.isolation.fork_client import ForkServerClient
from workers.worker.child_config import memory_limit
from workers.worker.predict_child import (
    ChildLostError,
    ChildTooSlowError,
    PredictChild,
    WrongReplyError,
    remove_abandoned,
)

log = structlog.get_logger(__name__)

_POLL_SECONDS = 1.0
_PROCESS_DIED = PredictResponse(
    None,
    error={
        "code": "prediction_failed",
        "detail": "the process of the prediction ended",
        "remedy": "send fewer images, or use a smaller network",
    },
)
_INTERNAL = PredictResponse(
    None,
    error={
        "code": INTERNAL,
        "detail": "the worker failed",
        "remedy": "send the request again; if it fails again, report it with the worker's log",
    },
)
_TOO_SLOW = PredictResponse(
    None,
    error={
        "code": "time_limit_exceeded",
        "detail": "the network took longer than a prediction may",
        "remedy": "send fewer images, use a smaller network, or raise ZOO_PREDICT_TIMEOUT_SECONDS",
    },
)


@dataclass
class PredictDispatcher:
    """One thread that serves requests, and one that announces that this worker does."""

    zoo: Zoo
    fork_server: ForkServerClient
    queue: PredictQueue
    _stopping: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _process: PredictChild | None = None

    def start(self) -> None:
        """Begin to serve requests; remove what a killed worker left behind."""
        remove_abandoned(self.zoo)
        for work in (self._serve, self._announce):
            thread = threading.Thread(
                target=work, name=f"predictions {work.__name__}", daemon=True
            )
            thread.start()
            self._threads.append(thread)

    def close(self) -> None:
        """Serve the requests already taken, then end the child."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        self._end_child()
        self.queue.close()

    def _announce(self) -> None:
        """Announce to the API servers that this worker serves requests."""
        while not self._stopping.is_set():
            self.queue.registry.announce(
                WorkerFacts(
                    worker_name(),
                    self.fork_server.missing_layers,
                    memory_limit(self.zoo.settings),
                )
            )
            with contextlib.suppress(UnavailableError):
                self.queue.announce_presence()
            self._stopping.wait(PRESENCE_SECONDS / 3)

    def _serve(self) -> None:
        while not self._stopping.is_set():
            try:
                self._serve_batch()
            except UnavailableError as error:
                log.warning("predict requests cannot be taken", reason=error.detail)
                self._stopping.wait(_POLL_SECONDS)
            except Exception:
                # If this thread ended, no later request would be served.
                log.exception("predict requests failed")

    def _serve_batch(self) -> None:
        """Take the waiting requests and serve compatible ones together."""
        for group in _groups(self.queue.take(most=MOST_IMAGES, seconds=_POLL_SECONDS)):
            for request, response in zip(group, self._every_response(group), strict=True):
                self.queue.reply(request.id, response)

    def _every_response(self, group: Sequence[PredictRequest]) -> list[PredictResponse]:
        """A response to every request of the group, whatever happens. Raises UnavailableError."""
        try:
            return self._responses(group)
        except UnavailableError:
            raise
        except Exception:
            # Nobody waits in vain, and the child, which may still reply to these requests, is gone.
            log.exception("predict requests failed")
            self._end_child()
            return [_INTERNAL] * len(group)

    def _responses(self, group: Sequence[PredictRequest]) -> list[PredictResponse]:
        """The responses; a request that kills the child does not fail the others of its group.

        After a loss each request is retried alone, since the child may have died of another cause;
        a request that was alone and too slow is not retried, and neither is one with a wrong reply.
        """
        try:
            return self._try(group)
        except WrongReplyError:
            return [_INTERNAL] * len(group)
        except ChildLostError as loss:
            if isinstance(loss, ChildTooSlowError) and len(group) == 1:
                return [_TOO_SLOW]
        return [self._retry_alone(request) for request in group]

    def _retry_alone(self, request: PredictRequest) -> PredictResponse:
        if not self.queue.with_waiting_callers([request]):
            return _TOO_SLOW
        try:
            return self._try([request])[0]
        except WrongReplyError:
            return _INTERNAL
        except ChildTooSlowError:
            return _TOO_SLOW
        except ChildLostError:
            return _PROCESS_DIED

    def _try(self, group: Sequence[PredictRequest]) -> list[PredictResponse]:
        """The child's responses, or the error in their stead. Raises ChildLostError."""
        try:
            return self._child().responses(group)
        except ZooError as error:
            return _refusals(error, group)
        except OSError as error:
            # The requests of other groups still wait.
            log.exception("the machine failed a prediction")
            return _refusals(machine_fault_in(error) or _unservable(error), group)
        except ChildLostError as loss:
            log.warning("the predict child was lost", reason=type(loss).__name__, detail=str(loss))
            self._end_child()
            raise

    def _child(self) -> PredictChild:
        if self._process is None:
            self._process = PredictChild.start(self.zoo, self.fork_server)
        return self._process

    def _end_child(self) -> None:
        if self._process is not None:
            self._process.end()
            self._process = None


def _refusals(error: ZooError, group: Sequence[PredictRequest]) -> list[PredictResponse]:
    """The error as the response to every request of the group."""
    details = ErrorDetails(code=error.code, detail=error.detail, remedy=error.remedy)
    return [PredictResponse(None, error=details)] * len(group)


def _unservable(error: OSError) -> MethodError:
    """The error of a request that this worker cannot serve."""
    return MethodError(
        f"the worker cannot serve it: {error.strerror or error}",
        code="prediction_failed",
        remedy="look at the worker's log, then send the request again",
    )


def _groups(requests: Sequence[PredictRequest]) -> list[list[PredictRequest]]:
    """Requests for one pass together, the oldest group first, each with a bounded number of images."""
    groups: dict[str, list[PredictRequest]] = {}
    for request in requests:
        groups.setdefault(request.forward_pass.key, []).append(request)
    return [part for compatible in groups.values() for part in _bounded(compatible)]


def _bounded(requests: Sequence[PredictRequest]) -> list[list[PredictRequest]]:
    """The requests in parts; those with clips alone, because clips are read one after the other."""
    parts: list[list[PredictRequest]] = []
    images = MOST_IMAGES + 1
    for request in requests:
        count = len(request.images) if request.readings is None else MOST_IMAGES
        if images + count > MOST_IMAGES:
            parts.append([])
            images = 0
        parts[-1].append(request)
        images += count
    return parts
