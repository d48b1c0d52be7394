"""The processes a zoo is made of, and how one of them is started, watched and ended."""

import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from pathlib import Path

import psutil

from service.embedded.ports import listens
from service.embedded.processes import end_family
from service.settings import LogLevel, Settings

LARGEST_LOG_BYTES = 16 * 1024**2
HANDING_BACK_SECONDS = 25.0


class PartName(StrEnum):
    """What can run alone on a machine of its own."""

    API = "api"
    GRPC = "grpc"
    WORKER = "worker"
    SCHEDULER = "scheduler"


MODULES: Mapping[PartName, str] = {
    PartName.API: "service.rest",
    PartName.GRPC: "service.rpc",
    PartName.WORKER: "workers",
    PartName.SCHEDULER: "service.scheduler",
}


def command_of(name: PartName) -> list[str]:
    """The command line that runs a part in the foreground."""
    return [sys.executable, "-m", MODULES[name]]


@dataclass(frozen=True)
class Part:
    """One part: its name, where it is reached, and the question whether it is ready yet.

    ``ready`` is given what the part has logged so far. ``patience_seconds`` is how long it may
    take to end when asked.
    """

    name: PartName
    address: str
    ready: Callable[[str], bool]
    patience_seconds: float = 15.0


class PartProcess:
    """A started part. Its output goes to a log file; it leads a process group of its own."""

    def __init__(self, part: Part, *, environment: Mapping[str, str], log: Path) -> None:
        self.part = part
        self._log = log
        self.started_at = time.monotonic()
        mode = "wb" if log.exists() and log.stat().st_size > LARGEST_LOG_BYTES else "ab"
        with log.open(mode) as output:
            self._start = output.tell()
            self._process = subprocess.Popen(
                command_of(part.name),
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Process id of the part."""
        return self._process.pid

    def status(self) -> int | None:
        """Exit status, or None while it runs."""
        return self._process.poll()

    def log_so_far(self) -> str:
        """What this run of the part has written."""
        with self._log.open("rb") as written:
            written.seek(self._start)
            return written.read().decode(errors="replace")

    def stop(self) -> None:
        """Ask it to end and wait; kill it and its children when it takes too long."""
        if self.status() is None:
            end_family(
                psutil.Process(self.pid),
                by=signal.SIGTERM,
                patience_seconds=self.part.patience_seconds,
            )
        self._process.wait()


def parts_of(settings: Settings) -> tuple[Part, ...]:
    """Every part of a zoo with these settings, in the order of starting."""
    rest, grpc = rest_url(settings), grpc_address(settings)
    reached = reached_host(settings)
    return (
        # A worker lets jobs finish, then gives them back; only then may it be killed.
        Part(
            PartName.WORKER,
            f"queue {settings.queue}",
            _says("worker ready", settings),
            patience_seconds=settings.stop_seconds + HANDING_BACK_SECONDS,
        ),
        Part(PartName.SCHEDULER, "", _says("scheduler ready", settings)),
        Part(PartName.API, rest, lambda _log: _healthy(f"{rest}/healthz")),
        Part(PartName.GRPC, grpc, lambda _log: listens(settings.grpc_port, host=reached)),
    )


def reached_host(settings: Settings) -> str:
    """The address under which this machine reaches its own doors."""
    return "127.0.0.1" if settings.host in {"0.0.0.0", "::", ""} else settings.host


def rest_url(settings: Settings) -> str:
    """Where REST is reached from this machine."""
    return f"http://{reached_host(settings)}:{settings.port}"


def grpc_address(settings: Settings) -> str:
    """Where gRPC is reached from this machine."""
    return f"{reached_host(settings)}:{settings.grpc_port}"


def _says(words: str, settings: Settings) -> Callable[[str], bool]:
    """Whether a log holds the words; where such lines are not logged, a started part is ready."""
    if settings.log_level not in {LogLevel.DEBUG, LogLevel.INFO}:
        return lambda _log: True
    return lambda log: words in log


def _healthy(url: str) -> bool:
    """Whether a GET of the URL is answered, be it by a refusal of the Host header."""
    try:
        urllib.request.urlopen(url, timeout=2).close()
    except urllib.error.HTTPError as refusal:
        return refusal.code < HTTPStatus.INTERNAL_SERVER_ERROR
    except OSError:
        return False
    return True
