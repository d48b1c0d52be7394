"""Takes questions from the line, keeps one warm child to answer them, replaces it when it fails.

While the child works, questions gather; kindred ones are then answered in one pass. No torch here.
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

_LOOK_SECONDS = 1.0
_LIFE_SECONDS = 30 * 24 * 3600
_GONE = PredictResponse(
    None,
    error={
        "code": "prediction_failed",
        "detail": "the network took too long, or its process ended",
        "remedy": "send fewer images, or use a smaller network",
    },
)


class ChildLostError(Exception):
    """The warm child ended, or was too ``slow`` to wait for."""

    def __init__(self, *, slow: bool) -> None:
        super().__init__()
        self.slow = slow


@dataclass
class PredictDispatcher:
    """One thread that answers questions, and one that says so."""

    zoo: Zoo
    fork_server: ForkServerClient
    line: PredictQueue
    _stopping: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _warm: "_Warm | None" = None

    def start(self) -> None:
        """Begin to take questions; what a worker that was killed left behind is removed."""
        for left in _folder(self.zoo).glob("*.*"):
            if not psutil.pid_exists(int(left.name.partition(".")[0])):
                shutil.rmtree(left, ignore_errors=True)
        for work in (self._serve, self._be_present):
            thread = threading.Thread(
                target=work, name=f"predictions {work.__name__}", daemon=True
            )
            thread.start()
            self._threads.append(thread)

    def close(self) -> None:
        """Answer what was taken, then end the child."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        self._end_child()
        self.line.close()

    def _be_present(self) -> None:
        """Tell the doors that questions are answered here."""
        while not self._stopping.is_set():
            with contextlib.suppress(UnavailableError):
                self.line.announce_presence()
            self._stopping.wait(PRESENCE_SECONDS / 3)

    def _serve(self) -> None:
        while not self._stopping.is_set():
            try:
                self._round()
            except UnavailableError as error:
                log.warning("questions cannot be taken", reason=error.detail)
                self._stopping.wait(_LOOK_SECONDS)
            except Exception:
                # A thread that ended here would leave every later question without an answer.
                log.exception("questions could not be answered")

    def _round(self) -> None:
        """Take what waits and answer it, kindred questions together."""
        taken = self.line.take(most=MOST_IMAGES, seconds=_LOOK_SECONDS)
        waiting = [question for question in taken if not question.expired]
        for group in _groups(waiting):
            for question, answer in zip(group, self._answered(group), strict=True):
                self.line.reply(question.id, answer)

    def _answered(self, group: Sequence[PredictRequest]) -> list[PredictResponse]:
        """The answers; a question that costs the child its life does not take others with it.

        After a loss each question is asked once more alone, for the child may have died of
        something else; one that alone was too slow is not.
        """
        try:
            return self._asked(group)
        except ChildLostError as loss:
            if loss.slow and len(group) == 1:
                return [_GONE]
        return [self._alone(question) for question in group]

    def _alone(self, question: PredictRequest) -> PredictResponse:
        try:
            return self._asked([question])[0]
        except ChildLostError:
            return _GONE

    def _asked(self, group: Sequence[PredictRequest]) -> list[PredictResponse]:
        """The child's answers, or why there are none. Raises ChildLostError."""
        try:
            return self._child().answered(group)
        except ZooError as error:
            told = {"code": error.code, "detail": error.detail, "remedy": error.remedy}
            return [PredictResponse(None, error=told)] * len(group)
        except ChildLostError as loss:
            log.warning("the child that answers questions was lost", slow=loss.slow)
            self._end_child()
            raise

    def _child(self) -> "_Warm":
        if self._warm is None:
            self._warm = _Warm.born(self.zoo, self.fork_server)
        return self._warm

    def _end_child(self) -> None:
        if self._warm is not None:
            self._warm.end()
            self._warm = None


def _folder(zoo: Zoo) -> Path:
    """Where the warm children of this machine have their folders; jobs' scratch is tidied away."""
    return zoo.settings.folder / "predictions"


def _groups(questions: Sequence[PredictRequest]) -> list[list[PredictRequest]]:
    """Kindred questions together, the oldest group first, each with a bounded number of images."""
    oldest = {question.kin: place for place, question in reversed(list(enumerate(questions)))}
    ordered = sorted(questions, key=lambda question: oldest[question.kin])
    return [
        part
        for _, kindred in groupby(ordered, key=lambda question: question.kin)
        for part in _bounded(list(kindred))
    ]


def _bounded(kindred: Sequence[PredictRequest]) -> list[list[PredictRequest]]:
    parts: list[list[PredictRequest]] = []
    images = MOST_IMAGES + 1
    for question in kindred:
        if images + len(question.images) > MOST_IMAGES:
            parts.append([])
            images = 0
        parts[-1].append(question)
        images += len(question.images)
    return parts


@dataclass(frozen=True)
class _Warm:
    """The living child, its folder and the socket to it."""

    zoo: Zoo
    fork_server: ForkServerClient
    child: Child
    line: Connection
    scratch: Scratch

    @classmethod
    def born(cls, zoo: Zoo, fork_server: ForkServerClient) -> "_Warm":
        """A new child. Raises UnavailableError."""
        scratch = Scratch(_folder(zoo) / f"{os.getpid()}.{time.monotonic_ns()}")
        scratch.make()
        settings = zoo.settings
        order = {
            "life": "predictions",
            "folder": str(scratch.folder),
            "cpu_seconds": _LIFE_SECONDS,
            "threads": settings.worker_threads,
            "device": settings.device.value,
            "require_sandbox": settings.require_sandbox,
            "shelf_bytes": settings.max_loaded_bytes,
            "image_bytes": settings.max_image_bytes,
            "image_pixels": settings.max_image_pixels,
        }
        child = fork_server.fork_conversation(order)
        child.meet()
        return cls(zoo, fork_server, child, Connection(os.dup(child.messages)), scratch)

    def answered(self, group: Sequence[PredictRequest]) -> list[PredictResponse]:
        """The answers to kindred questions.

        Raises:
            ChildLostError: The child ended, or took too long.
            NotFoundError: The program is gone.
        """
        told, parts = self._asked(group, None)
        if told.get("missing"):
            file = self.scratch.inputs / f"{group[0].program}.pt2"
            self.zoo.blobs.fetch(group[0].program, file)
            # The child keeps what it needs mapped; the name is not needed any more.
            try:
                told, parts = self._asked(group, file)
            finally:
                file.unlink()
        return _told(told["answers"], parts)

    def _asked(
        self, group: Sequence[PredictRequest], file: Path | None
    ) -> tuple[dict[str, Any], list[bytes]]:
        first = group[0]
        request = {
            "program": first.program,
            "file": None if file is None else str(file),
            "model": first.model,
            "output": first.output,
            "layer": first.layer,
            "questions": [{"top_k": q.top_k, "images": len(q.images)} for q in group],
        }
        try:
            self.line.send_bytes(pack(request, [image for q in group for image in q.images]))
            if not self.line.poll(self.zoo.settings.predict_timeout_seconds):
                raise ChildLostError(slow=True)
            return unpack(self.line.recv_bytes())
        except (EOFError, OSError) as error:
            raise ChildLostError(slow=False) from error

    def end(self) -> None:
        """Kill the child and remove what it left."""
        self.fork_server.signal(self.child, signal.SIGKILL)
        self.line.close()
        self.child.close()
        shutil.rmtree(self.scratch.folder, ignore_errors=True)


def _told(answers: Sequence[dict[str, Any]], parts: Sequence[bytes]) -> list[PredictResponse]:
    """Answers with the parts that are theirs."""
    found, start = [], 0
    for one in answers:
        kind = None if one["kind"] is None else OutputKind(one["kind"])
        mine = tuple(parts[start : start + one["parts"]])
        found.append(PredictResponse(kind, one["classes"], mine, one["error"]))
        start += one["parts"]
    return found
