"""Takes predict requests from the queue and has one child serve them, replaced when it fails.

While the child works, requests queue up; compatible ones are then served in one pass. No torch here.
"""

import contextlib
import os
import shutil
import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil
import structlog

from service.adapters.predict_queue import PRESENCE_SECONDS, PredictQueue
from service.container import Zoo
from service.core.errors import UnavailableError, ZooError
from service.core.frames import pack, unpack
from service.core.predict_messages import MOST_IMAGES, OutputKind, PredictRequest, PredictResponse
from workers.isolation.fork_client import Child, ForkServerClient
from workers.isolation.workdir import Scratch

log = structlog.get_logger(__name__)

_POLL_SECONDS = 1.0
_CPU_SECONDS = 30 * 24 * 3600
_PROCESS_DIED = PredictResponse(
    None,
    error={
        "code": "prediction_failed",
        "detail": "the network took too long, or its process ended",
        "remedy": "send fewer images, or use a smaller network",
    },
)


class ChildLostError(Exception):
    """The predict child ended before it responded."""


class ChildTooSlowError(ChildLostError):
    """The predict child exceeded the time limit."""


@dataclass
class PredictDispatcher:
    """One thread that serves requests, and one that announces that this worker does."""

    zoo: Zoo
    fork_server: ForkServerClient
    queue: PredictQueue
    _stopping: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _process: "_PredictChild | None" = None

    def start(self) -> None:
        """Begin to serve requests; remove what a killed worker left behind."""
        for folder in _folder(self.zoo).glob("*.*"):
            if not psutil.pid_exists(int(folder.name.partition(".")[0])):
                shutil.rmtree(folder, ignore_errors=True)
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
        taken = self.queue.take(most=MOST_IMAGES, seconds=_POLL_SECONDS)
        waiting = [request for request in taken if not request.expired]
        for group in _groups(waiting):
            for request, response in zip(group, self._responses(group), strict=True):
                self.queue.reply(request.id, response)

    def _responses(self, group: Sequence[PredictRequest]) -> list[PredictResponse]:
        """The responses; a request that kills the child does not fail the others of its group.

        After a loss each request is retried alone, since the child may have died of another cause;
        a request that was alone and too slow is not retried.
        """
        try:
            return self._try(group)
        except ChildLostError as loss:
            if isinstance(loss, ChildTooSlowError) and len(group) == 1:
                return [_PROCESS_DIED]
        return [self._retry_alone(request) for request in group]

    def _retry_alone(self, request: PredictRequest) -> PredictResponse:
        try:
            return self._try([request])[0]
        except ChildLostError:
            return _PROCESS_DIED

    def _try(self, group: Sequence[PredictRequest]) -> list[PredictResponse]:
        """The child's responses, or the error in their stead. Raises ChildLostError."""
        try:
            return self._child().responses(group)
        except ZooError as error:
            details = {"code": error.code, "detail": error.detail, "remedy": error.remedy}
            return [PredictResponse(None, error=details)] * len(group)
        except ChildLostError as loss:
            log.warning("the predict child was lost", reason=type(loss).__name__)
            self._end_child()
            raise

    def _child(self) -> "_PredictChild":
        if self._process is None:
            self._process = _PredictChild.start(self.zoo, self.fork_server)
        return self._process

    def _end_child(self) -> None:
        if self._process is not None:
            self._process.end()
            self._process = None


def _folder(zoo: Zoo) -> Path:
    """The folder of predict children; not the jobs' scratch folder, which the reaper cleans."""
    return zoo.settings.folder / "predictions"


def _groups(requests: Sequence[PredictRequest]) -> list[list[PredictRequest]]:
    """Compatible requests together, the oldest group first, each with a bounded number of images."""
    oldest = {request.kin: index for index, request in reversed(list(enumerate(requests)))}
    ordered = sorted(requests, key=lambda request: oldest[request.kin])
    return [
        part
        for _, compatible in groupby(ordered, key=lambda request: request.kin)
        for part in _bounded(list(compatible))
    ]


def _bounded(requests: Sequence[PredictRequest]) -> list[list[PredictRequest]]:
    parts: list[list[PredictRequest]] = []
    images = MOST_IMAGES + 1
    for request in requests:
        if images + len(request.images) > MOST_IMAGES:
            parts.append([])
            images = 0
        parts[-1].append(request)
        images += len(request.images)
    return parts


@dataclass(frozen=True)
class _PredictChild:
    """The running child, its folder and the socket to it."""

    zoo: Zoo
    fork_server: ForkServerClient
    child: Child
    connection: Connection
    scratch: Scratch

    @classmethod
    def start(cls, zoo: Zoo, fork_server: ForkServerClient) -> "_PredictChild":
        """A new child. Raises UnavailableError."""
        scratch = Scratch(_folder(zoo) / f"{os.getpid()}.{time.monotonic_ns()}")
        scratch.make()
        settings = zoo.settings
        config = {
            "entry_point": "predict",
            "folder": str(scratch.folder),
            "cpu_seconds": _CPU_SECONDS,
            "threads": settings.worker_threads,
            "device": settings.device.value,
            "require_sandbox": settings.require_sandbox,
            "cache_bytes": settings.max_loaded_bytes,
            "image_bytes": settings.max_image_bytes,
            "image_pixels": settings.max_image_pixels,
        }
        child = fork_server.fork_with_socket(config)
        child.wait_for_pid()
        return cls(zoo, fork_server, child, Connection(os.dup(child.messages)), scratch)

    def responses(self, group: Sequence[PredictRequest]) -> list[PredictResponse]:
        """The responses to compatible requests.

        Raises:
            ChildLostError: The child ended.
            ChildTooSlowError: It exceeded the time limit.
            NotFoundError: The program was deleted.
        """
        reply, parts = self._send(group, None)
        if reply.get("missing"):
            file = self.scratch.inputs / f"{group[0].program}.pt2"
            self.zoo.blobs.fetch(group[0].program, file)
            # The child has mapped the file; its name is no longer needed.
            try:
                reply, parts = self._send(group, file)
            finally:
                file.unlink()
        return _with_parts(reply["responses"], parts)

    def _send(
        self, group: Sequence[PredictRequest], file: Path | None
    ) -> tuple[dict[str, Any], list[bytes]]:
        first = group[0]
        request = {
            "program": first.program,
            "file": None if file is None else str(file),
            "model": first.model,
            "output": first.output,
            "layer": first.layer,
            "requests": [{"top_k": r.top_k, "images": len(r.images)} for r in group],
        }
        try:
            self.connection.send_bytes(pack(request, [image for r in group for image in r.images]))
            if not self.connection.poll(self.zoo.settings.predict_timeout_seconds):
                raise ChildTooSlowError
            return unpack(self.connection.recv_bytes())
        except (EOFError, OSError) as error:
            raise ChildLostError from error

    def end(self) -> None:
        """Kill the child and remove its folder."""
        self.fork_server.signal(self.child, signal.SIGKILL)
        self.connection.close()
        self.child.close()
        shutil.rmtree(self.scratch.folder, ignore_errors=True)


def _with_parts(
    replies: Sequence[dict[str, Any]], parts: Sequence[bytes]
) -> list[PredictResponse]:
    """Responses, each with its own parts."""
    responses, start = [], 0
    for reply in replies:
        kind = None if reply["kind"] is None else OutputKind(reply["kind"])
        end = start + reply["parts"]
        response = PredictResponse(kind, reply["classes"], tuple(parts[start:end]), reply["error"])
        responses.append(response)
        start = end
    return responses
