"""The processes of a zoo, and how one of them is started, watched and stopped."""

import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import psutil

from service.adapters.worker_registry import WorkerRegistry, worker_name
from service.core.python_command import module_command
from service.embedded.home_check import answers_as_home
from service.embedded.ports import TakenPort, is_listening, speaks_http2
from service.embedded.processes import end_process_tree
from service.settings import LogLevel, Settings

LARGEST_LOG_BYTES = 16 * 1024**2
REQUEUE_SECONDS = 25.0
PROBE_SECONDS = 1.0
SOCKET_OPTION = "--socket"


class ComponentName(StrEnum):
    """A component that can run alone on its own machine."""

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
    """The command line that runs a component in the foreground."""
    return module_command(MODULES[name])


def inherited_socket(arguments: Sequence[str]) -> int | None:
    """The socket descriptor in a component's command line; None if there is none."""
    match list(arguments[1:]):
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
        """Release both."""
        self.rest.close()
        self.grpc.close()


@dataclass(frozen=True)
class Component:
    """One component: its name, its address, and the check that it is ready.

    ``ready`` receives the started process. ``patience_seconds`` is how long the component may take
    to stop. The component inherits ``port``.
    """

    name: ComponentName
    address: str
    ready: Callable[["ComponentProcess"], bool]
    patience_seconds: float = 15.0
    port: TakenPort | None = None


class ComponentProcess:
    """A started component. Its output goes to a log file; it leads its own process group."""

    def __init__(self, component: Component, *, environment: Mapping[str, str], log: Path) -> None:
        self.component = component
        self._log = log
        self.started_at = time.monotonic()
        mode = "wb" if log.exists() and log.stat().st_size > LARGEST_LOG_BYTES else "ab"
        descriptors = () if component.port is None else (component.port.fileno(),)
        arguments = [
            argument for number in descriptors for argument in (SOCKET_OPTION, str(number))
        ]
        with log.open(mode) as output:
            self._start = output.tell()
            self._process = subprocess.Popen(
                [*command_of(component.name), *arguments],
                pass_fds=descriptors,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Process id of the component."""
        return self._process.pid

    def status(self) -> int | None:
        """Exit status, or None while it runs."""
        return self._process.poll()

    def log_so_far(self) -> str:
        """The output of this run of the component."""
        with self._log.open("rb") as file:
            file.seek(self._start)
            return file.read().decode(errors="replace")

    def stop(self) -> None:
        """Stop it and wait; kill it and its children if it takes too long."""
        if self.status() is None:
            end_process_tree(
                psutil.Process(self.pid),
                by=signal.SIGTERM,
                patience_seconds=self.component.patience_seconds,
            )
        self._process.wait()


def components_of(settings: Settings, ports: Ports, *, identity: bytes) -> tuple[Component, ...]:
    """Every component of a zoo with these settings, in start order.

    Args:
        settings: Settings with the ports that were reserved.
        ports: The ports of REST and gRPC.
        identity: The secret that identifies the REST API of this home folder.
    """
    return (
        # A worker lets jobs finish, then requeues the rest; it may be killed only after that.
        Component(
            ComponentName.WORKER,
            f"queue {settings.queue}",
            _is_announced(settings),
            patience_seconds=settings.shutdown_grace_seconds + REQUEUE_SECONDS,
        ),
        Component(ComponentName.SCHEDULER, "", _logs_line("scheduler ready", settings)),
        Component(
            ComponentName.API,
            rest_url(settings),
            _proves_home(settings, identity),
            port=ports.rest,
        ),
        Component(
            ComponentName.GRPC,
            grpc_address(settings),
            _answers_grpc(settings),
            port=ports.grpc,
        ),
    )


def reached_host(settings: Settings) -> str:
    """The host at which this machine reaches its own APIs."""
    loopback = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}
    return loopback.get(settings.host, settings.host)


def rest_url(settings: Settings) -> str:
    """Address of the REST API from this machine."""
    return f"http://{_bracketed(reached_host(settings))}:{settings.port}"


def grpc_address(settings: Settings) -> str:
    """Address of the gRPC API from this machine."""
    return f"{_bracketed(reached_host(settings))}:{settings.grpc_port}"


def _bracketed(host: str) -> str:
    """A host in the form that precedes a port."""
    return f"[{host}]" if ":" in host else host


def _logs_line(line: str, settings: Settings) -> Callable[[ComponentProcess], bool]:
    """Whether the log contains the line; at a log level that omits it, a started component is ready."""
    if settings.log_level not in {LogLevel.DEBUG, LogLevel.INFO}:
        return lambda _process: True
    return lambda process: line in process.log_so_far()


def _is_announced(settings: Settings) -> Callable[[ComponentProcess], bool]:
    """Whether the worker has announced itself, which it does once it takes jobs."""
    assert settings.redis_url is not None, "every zoo of one machine has a broker"
    registry = WorkerRegistry.at(settings.redis_url.get_secret_value())
    return lambda process: worker_name(process.pid) in {facts.name for facts in registry.workers()}


def _answers_grpc(settings: Settings) -> Callable[[ComponentProcess], bool]:
    """Whether the process itself answers at the gRPC address."""
    host, port = reached_host(settings), settings.grpc_port
    return lambda process: (
        is_listening(process.pid, port) and speaks_http2(host, port, timeout_seconds=PROBE_SECONDS)
    )


def _proves_home(settings: Settings, identity: bytes) -> Callable[[ComponentProcess], bool]:
    """Whether the service at the REST address belongs to the home folder."""
    first = next(iter(settings.hosts), "*")
    return lambda _process: answers_as_home(
        reached_host(settings),
        settings.port,
        secret=identity,
        host_header="localhost" if first == "*" else first,
        timeout_seconds=PROBE_SECONDS,
    )
