"""The processes a zoo is made of, and how one of them is started, watched and ended."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import psutil

from service.embedded.home_check import answers_as_home
from service.embedded.ports import TakenPort, is_listening
from service.embedded.processes import end_family
from service.settings import LogLevel, Settings

LARGEST_LOG_BYTES = 16 * 1024**2
HANDING_BACK_SECONDS = 25.0
PROBE_SECONDS = 1.0
SOCKET_OPTION = "--socket"


class ComponentName(StrEnum):
    """What can run alone on a machine of its own."""

    API = "api"
    GRPC = "grpc"
    WORKER = "worker"
    SCHEDULER = "scheduler"


MODULES: Mapping[ComponentName, str] = {
    ComponentName.API: "service.rest",
    ComponentName.GRPC: "service.rpc",
    ComponentName.WORKER: "workers.worker",
    ComponentName.SCHEDULER: "service.scheduler",
}


def command_of(name: ComponentName) -> list[str]:
    """The command line that runs a part in the foreground."""
    return [sys.executable, "-m", MODULES[name]]


def inherited_socket(words: Sequence[str]) -> int | None:
    """The descriptor that a part's command line names; None when it names none."""
    match list(words[1:]):
        case [option, descriptor] if option == SOCKET_OPTION:
            return int(descriptor)
        case _:
            return None


@dataclass(frozen=True)
class Ports:
    """The ports that a zoo has taken for REST and gRPC."""

    rest: TakenPort
    grpc: TakenPort

    def close(self) -> None:
        """Give both back."""
        self.rest.close()
        self.grpc.close()


@dataclass(frozen=True)
class Component:
    """One part: its name, where it is reached, and the question whether it is ready yet.

    ``ready`` is given the started part. ``patience_seconds`` is how long it may take to end when
    asked. ``port`` is inherited by the part.
    """

    name: ComponentName
    address: str
    ready: Callable[["ComponentProcess"], bool]
    patience_seconds: float = 15.0
    port: TakenPort | None = None


class ComponentProcess:
    """A started part. Its output goes to a log file; it leads a process group of its own."""

    def __init__(self, part: Component, *, environment: Mapping[str, str], log: Path) -> None:
        self.part = part
        self._log = log
        self.started_at = time.monotonic()
        mode = "wb" if log.exists() and log.stat().st_size > LARGEST_LOG_BYTES else "ab"
        descriptors = () if part.port is None else (part.port.fileno(),)
        words = [word for number in descriptors for word in (SOCKET_OPTION, str(number))]
        with log.open(mode) as output:
            self._start = output.tell()
            self._process = subprocess.Popen(
                [*command_of(part.name), *words],
                pass_fds=descriptors,
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


def parts_of(settings: Settings, ports: Ports, *, identity: bytes) -> tuple[Component, ...]:
    """Every part of a zoo with these settings, in the order of starting.

    Args:
        settings: They name the ports that were taken.
        ports: The ports of REST and gRPC.
        identity: The secret by which the home's own REST is recognized.
    """
    return (
        # A worker lets jobs finish, then gives them back; only then may it be killed.
        Component(
            ComponentName.WORKER,
            f"queue {settings.queue}",
            _says("worker ready", settings),
            patience_seconds=settings.shutdown_grace_seconds + HANDING_BACK_SECONDS,
        ),
        Component(ComponentName.SCHEDULER, "", _says("scheduler ready", settings)),
        Component(
            ComponentName.API, rest_url(settings), _proves(settings, identity), port=ports.rest
        ),
        Component(
            ComponentName.GRPC,
            grpc_address(settings),
            lambda process: is_listening(process.pid, settings.grpc_port),
            port=ports.grpc,
        ),
    )


def reached_host(settings: Settings) -> str:
    """The address under which this machine reaches its own doors."""
    loopback = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}
    return loopback.get(settings.host, settings.host)


def rest_url(settings: Settings) -> str:
    """Where REST is reached from this machine."""
    return f"http://{_bracketed(reached_host(settings))}:{settings.port}"


def grpc_address(settings: Settings) -> str:
    """Where gRPC is reached from this machine."""
    return f"{_bracketed(reached_host(settings))}:{settings.grpc_port}"


def _bracketed(host: str) -> str:
    """A host the way it stands before a port."""
    return f"[{host}]" if ":" in host else host


def _says(words: str, settings: Settings) -> Callable[[ComponentProcess], bool]:
    """Whether a log holds the words; where such lines are not logged, a started part is ready."""
    if settings.log_level not in {LogLevel.DEBUG, LogLevel.INFO}:
        return lambda _process: True
    return lambda process: words in process.log_so_far()


def _proves(settings: Settings, identity: bytes) -> Callable[[ComponentProcess], bool]:
    """Whether what answers at the address of REST belongs to the home folder."""
    first = next(iter(settings.hosts), "*")
    return lambda _process: answers_as_home(
        reached_host(settings),
        settings.port,
        secret=identity,
        host_header="localhost" if first == "*" else first,
        timeout_seconds=PROBE_SECONDS,
    )
