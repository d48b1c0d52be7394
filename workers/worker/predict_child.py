"""The child that runs the networks of predictions. No torch here."""

import os
import shutil
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil

from service.container import Zoo
from service.core.errors import InvalidRequestError
from service.core.frames import pack, unpack
from service.core.predict_messages import PredictRequest, PredictResponse
from service.settings import Settings
from workers.isolation.fork_client import Child, ForkServerClient
from workers.isolation.workdir import Scratch
from workers.worker.child_config import child_config, memory_bytes

# A child serves requests, each within its own limit, for as long as the worker runs.
_LIFE_SECONDS = 30 * 24 * 3600.0
_SHARE_OF_WEIGHTS = 0.5


class ChildLostError(Exception):
    """The predict child ended before it responded."""


class ChildTooSlowError(ChildLostError):
    """The predict child exceeded the time limit."""


class WrongReplyError(ChildLostError):
    """The predict child replied to something else than it was asked, so it cannot be used further."""


def _folder(zoo: Zoo) -> Path:
    """The folder of predict children; not the jobs' scratch folder, which the reaper cleans."""
    return zoo.settings.folder / "predictions"


def remove_abandoned(zoo: Zoo) -> None:
    """Remove the folders of children whose worker no longer runs."""
    for folder in _folder(zoo).glob("*.*"):
        if not _lives(folder.name.partition(".")[0]):
            shutil.rmtree(folder, ignore_errors=True)


def _lives(pid: str) -> bool:
    """Whether this is the id of a running process."""
    return pid.isdecimal() and psutil.pid_exists(int(pid))


@dataclass(frozen=True)
class PredictChild:
    """The running child, its folder and the socket to it."""

    zoo: Zoo
    fork_server: ForkServerClient
    child: Child
    connection: Connection
    scratch: Scratch

    @classmethod
    def start(cls, zoo: Zoo, fork_server: ForkServerClient) -> "PredictChild":
        """A new child. Raises UnavailableError."""
        scratch = Scratch(_folder(zoo) / f"{os.getpid()}.{time.monotonic_ns()}")
        scratch.make()
        settings = zoo.settings
        config = {
            **child_config(
                settings, entry_point="predict", folder=scratch.folder, seconds=_LIFE_SECONDS
            ),
            "cache_bytes": _cache_bytes(settings),
            "image_bytes": settings.max_image_bytes,
            "image_pixels": settings.max_image_pixels,
            "clip_bytes": settings.max_clip_bytes,
            "clip_seconds": settings.max_clip_seconds,
        }
        child = fork_server.fork_with_socket(config)
        child.wait_for_pid()
        return cls(zoo, fork_server, child, Connection(os.dup(child.messages)), scratch)

    def responses(self, group: Sequence[PredictRequest]) -> list[PredictResponse]:
        """The responses to compatible requests.

        A loaded program is a private copy of the stored file, so damage to the file never reaches
        it; but nothing is predicted with a program whose stored file has changed since.

        Raises:
            ChildLostError: The child ended.
            ChildTooSlowError: It exceeded the time limit.
            WrongReplyError: Its reply does not answer these requests.
            NotFoundError: The program was deleted.
            BlobDamagedError: Its file is damaged.
        """
        self.zoo.blobs.verify_if_changed(group[0].forward_pass.program)
        reply, parts = self._send(group, None)
        if reply.get("missing"):
            program = group[0].forward_pass.program
            file = self.scratch.inputs / f"{program}.pt2"
            self.zoo.blobs.copy(program, file)
            # The child has mapped the file; its name is no longer needed.
            try:
                reply, parts = self._send(group, file)
            finally:
                file.unlink()
        return _responses_in(reply, parts, group)

    def _send(
        self, group: Sequence[PredictRequest], file: Path | None
    ) -> tuple[dict[str, Any], list[bytes]]:
        request = {
            "file": None if file is None else str(file),
            "forward_pass": asdict(group[0].forward_pass),
            "requests": [_facts_of(request) for request in group],
        }
        try:
            self.connection.send_bytes(
                pack(request, [file for r in group for file in r.all_files])
            )
            if not self.connection.poll(self.zoo.settings.predict_timeout_seconds):
                raise ChildTooSlowError
            return unpack(self.connection.recv_bytes())
        except (EOFError, OSError) as error:
            raise ChildLostError from error
        except InvalidRequestError as error:
            raise WrongReplyError from error

    def end(self) -> None:
        """Kill the child and remove its folder."""
        self.fork_server.signal(self.child, signal.SIGKILL)
        self.connection.close()
        self.child.close()
        shutil.rmtree(self.scratch.folder, ignore_errors=True)


def _facts_of(request: PredictRequest) -> dict[str, Any]:
    """What the child learns of a request besides its files."""
    support = None if request.support is None else request.support.facts
    style = None if request.stylization is None else request.stylization.facts
    return {
        "top_k": request.top_k,
        "images": len(request.images),
        "support": support,
        "stylization": style,
        "readings": None if request.readings is None else request.readings.facts,
    }


def _cache_bytes(settings: Settings) -> int:
    """Bytes of weights that the child keeps loaded, so that computing has memory left."""
    share = memory_bytes(settings)
    if share is None:
        return settings.max_loaded_bytes
    return min(settings.max_loaded_bytes, int(_SHARE_OF_WEIGHTS * share))


def _responses_in(
    reply: Mapping[str, Any], parts: Sequence[bytes], group: Sequence[PredictRequest]
) -> list[PredictResponse]:
    """The responses to the requests. Raises WrongReplyError.

    The child runs somebody's network, so its replies are checked like anybody's.
    """
    try:
        responses = _with_parts(reply["responses"], parts)
    except (LookupError, TypeError, ValueError, InvalidRequestError) as error:
        raise WrongReplyError from error
    if len(responses) != len(group):
        raise WrongReplyError(f"{len(responses)} responses to {len(group)} requests")
    if not all(response.fits(request) for response, request in zip(responses, group, strict=True)):
        raise WrongReplyError("a response does not fit its request")
    return responses


def _with_parts(
    replies: Sequence[Mapping[str, Any]], parts: Sequence[bytes]
) -> list[PredictResponse]:
    """Responses, each with its own parts. Raises ValueError if the parts do not add up."""
    left, responses = list(parts), []
    for reply in replies:
        values = dict(reply)
        own = [left.pop(0) for _ in range(values.pop("parts"))]
        responses.append(PredictResponse.of(values, own))
    if left:
        raise ValueError(f"{len(left)} parts belong to no response")
    return responses
