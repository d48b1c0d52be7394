"""The worker's handle on its fork server, and on each child forked there."""

import contextlib
import json
import os
import select
import socket
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from service.core.errors import UnavailableError
from service.core.private_files import private_folder
from service.core.python_command import module_command
from workers.isolation.environment import VARIABLES
from workers.isolation.pipe import MessageReader

log = structlog.get_logger(__name__)

STARTING_SECONDS = 300.0
_PACKET_BYTES = 64 * 1024
_PASSED_ON = (
    "PATH",
    "LD_LIBRARY_PATH",
    "CUDA_VISIBLE_DEVICES",
    "NVIDIA_VISIBLE_DEVICES",
    "PYTHONPATH",
    "PYTHONDONTWRITEBYTECODE",
)


@dataclass
class Child:
    """A forked child as the worker sees it.

    Attributes:
        messages: Descriptor of the message pipe or socket.
        exit_pipe: Descriptor on which the fork server reports process id and exit status.
        pid: None until the fork server has reported it.
        status: Exit status, negative for a signal; None while the child runs.
        lost: Whether the fork server ended without reporting the exit status.
        peak_bytes: Peak memory of the child, known once it has ended.
    """

    messages: int
    exit_pipe: int
    pid: int | None = None
    status: int | None = None
    lost: bool = False
    peak_bytes: int = 0
    _message_reader: MessageReader = field(default_factory=MessageReader)
    _exit_reader: MessageReader = field(default_factory=MessageReader)
    _messages_closed: bool = False

    @property
    def ended(self) -> bool:
        """Whether the child has ended and every message was read."""
        return (self.status is not None or self.lost) and self._messages_closed

    def wait_for_pid(self) -> None:
        """Return once the process id is known. Raises UnavailableError."""
        while self.pid is None:
            self._read_exit_pipe()
            if self.lost:
                raise UnavailableError(
                    "the process that forks children ended", code="fork_server_lost"
                )

    def read_messages(self, seconds: float) -> list[dict[str, Any]]:
        """The next messages of the child; none if nothing arrives within ``seconds``."""
        open_pipes = [self.exit_pipe] if self.status is None and not self.lost else []
        open_pipes += [] if self._messages_closed else [self.messages]
        ready, _, _ = select.select(open_pipes, [], [], seconds)
        if self.exit_pipe in ready:
            self._read_exit_pipe()
        if self.messages not in ready:
            return []
        data = os.read(self.messages, 64 * 1024)
        self._messages_closed = not data
        return self._message_reader.feed(data)

    def _read_exit_pipe(self) -> None:
        data = os.read(self.exit_pipe, 4096)
        self.lost = not data and self.status is None
        for fact in self._exit_reader.feed(data):
            self.pid = fact.get("pid", self.pid)
            self.status = fact.get("status", self.status)
            self.peak_bytes = fact.get("peak_bytes", self.peak_bytes)

    def close(self) -> None:
        """Close the pipes."""
        os.close(self.messages)
        os.close(self.exit_pipe)


class ForkServerClient:
    """Starts the fork server, restarts it if it died, and requests forks from it. Thread-safe.

    ``missing_layers`` holds the sandbox layers that its children lack, each with the reason.
    """

    def __init__(self, cache: Path) -> None:
        self.missing_layers: Mapping[str, str] = {}
        self._cache = cache
        self._lock = threading.Lock()
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def warm_up(self) -> None:
        """Start the fork server and let it import everything. Raises UnavailableError."""
        with self._lock:
            self._running_fork_server()

    @property
    def pid(self) -> int | None:
        """Process id of the fork server, None before the first start."""
        return None if self._process is None else self._process.pid

    def fork(self, config: dict[str, Any]) -> Child:
        """A child that runs ``config`` and sends messages. Raises UnavailableError."""
        return self._fork(config, os.pipe())

    def fork_with_socket(self, config: dict[str, Any]) -> Child:
        """A child whose ``messages`` are a socket for both directions. Raises UnavailableError."""
        ours, theirs = socket.socketpair()
        return self._fork(config, (ours.detach(), theirs.detach()))

    def _fork(self, config: dict[str, Any], ends: tuple[int, int]) -> Child:
        """Fork a child that gets the second of the two message descriptors."""
        messages, child_messages = ends
        exit_pipe, child_exit_pipe = os.pipe()
        try:
            self._send({"command": "fork", "config": config}, [child_messages, child_exit_pipe])
        except BaseException:
            os.close(messages)
            os.close(exit_pipe)
            raise
        finally:
            os.close(child_messages)
            os.close(child_exit_pipe)
        return Child(messages, exit_pipe)

    def signal(self, child: Child, number: int) -> None:
        """Signal the child's process group, if the child still runs."""
        if child.pid is None or child.status is not None or child.lost:
            return
        with contextlib.suppress(OSError, UnavailableError):
            self._send({"command": "signal", "pid": child.pid, "signal": int(number)}, [])

    def _send(self, request: dict[str, Any], descriptors: list[int]) -> None:
        """Send a request to the fork server; to a new one, if the old one turns out to be dead."""
        packet = [json.dumps(request).encode()]
        with self._lock:
            try:
                socket.send_fds(self._running_fork_server(), packet, descriptors)
            except OSError:
                self._discard()
                socket.send_fds(self._running_fork_server(), packet, descriptors)

    def _running_fork_server(self) -> socket.socket:
        """The socket of a running fork server; the caller holds the lock."""
        alive = self._process is not None and self._process.poll() is None
        if self._control is not None and alive:
            return self._control
        self._discard()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = _start(theirs, self._cache)
        ours.settimeout(STARTING_SECONDS)
        missing = _missing_layers(ours)
        if missing is None:
            ours.close()
            self._process.kill()
            raise UnavailableError(
                "the process that forks children did not start",
                code="fork_server_lost",
                remedy="run `zooscope doctor`, then look at the worker's log for the import that fails",
            )
        ours.settimeout(None)
        self._report(missing)
        self._control = ours
        return ours

    def _report(self, missing: Mapping[str, str]) -> None:
        """Log the sandbox layers that children lack, once and whenever they change."""
        if missing and missing != self.missing_layers:
            log.error(
                "jobs run without sandbox layers",
                missing=missing,
                remedy="use a newer kernel, or set ZOO_REQUIRE_SANDBOX to refuse jobs",
            )
        self.missing_layers = missing

    def close(self) -> None:
        """Stop the fork server and every child."""
        with self._lock:
            self._discard()

    def _discard(self) -> None:
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None:
            self._process.wait()


def _start(control: socket.socket, cache: Path) -> subprocess.Popen[bytes]:
    """Start the fork server in a session of its own, with a clean environment and ``cache`` as its folder."""
    private_folder(cache)
    return subprocess.Popen(
        module_command("workers.child.fork_server", str(control.fileno()), str(cache.resolve())),
        pass_fds=[control.fileno()],
        env=_clean_environment(),
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )


def _clean_environment() -> dict[str, str]:
    """The environment of the fork server: no address, no key, one thread per numeric library."""
    environment = os.environ  # noqa: TID251 - passed on by an allow-list, not configuration
    passed_on = {name: environment[name] for name in _PASSED_ON if name in environment}
    one_thread = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    return {**passed_on, **one_thread, **VARIABLES}


def _missing_layers(control: socket.socket) -> Mapping[str, str] | None:
    """The missing sandbox layers that a ready fork server reports; None if it never is ready."""
    try:
        packet = control.recv(_PACKET_BYTES)
    except (TimeoutError, ConnectionError):
        return None
    return dict(json.loads(packet)["missing_layers"]) if packet else None
