"""The worker's handle on its nursery, and on each child forked there."""

import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from service.core.errors import UnavailableError
from workers.isolation.environment import VARIABLES
from workers.isolation.pipe import MessageReader

STARTING_SECONDS = 300.0
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
    """A forked child as its supervisor sees it.

    Attributes:
        pid: None until the nursery has told it.
        status: Exit status, negative for a signal; None while the child lives.
        lost: Whether the nursery ended without telling the child's status.
        peak_bytes: Most memory the child had, once it has ended.
    """

    messages: int
    fate: int
    pid: int | None = None
    status: int | None = None
    lost: bool = False
    peak_bytes: int = 0
    _ears: tuple[MessageReader, MessageReader] = field(
        default_factory=lambda: (MessageReader(), MessageReader())
    )
    _silent: bool = False

    @property
    def ended(self) -> bool:
        """Whether the child is gone and everything it said has been heard."""
        return (self.status is not None or self.lost) and self._silent

    def meet(self) -> None:
        """Wait until the nursery has told the process id. Raises UnavailableError."""
        while self.pid is None:
            self._hear_of_fate()
            if self.lost:
                raise UnavailableError(
                    "the process that forks children ended", code="fork_server_lost"
                )

    def listen(self, seconds: float) -> list[dict[str, Any]]:
        """What the child said; returns at the first sign, at the latest after ``seconds``."""
        open_pipes = [self.fate] if self.status is None and not self.lost else []
        open_pipes += [] if self._silent else [self.messages]
        ready, _, _ = select.select(open_pipes, [], [], seconds)
        if self.fate in ready:
            self._hear_of_fate()
        if self.messages not in ready:
            return []
        data = os.read(self.messages, 64 * 1024)
        self._silent = not data
        return self._ears[0].hear(data)

    def _hear_of_fate(self) -> None:
        data = os.read(self.fate, 4096)
        self.lost = not data and self.status is None
        for fact in self._ears[1].hear(data):
            self.pid = fact.get("pid", self.pid)
            self.status = fact.get("status", self.status)
            self.peak_bytes = fact.get("peak_bytes", self.peak_bytes)

    def close(self) -> None:
        """Give the pipes back."""
        os.close(self.messages)
        os.close(self.fate)


class ForkServerClient:
    """Starts the nursery, restarts it when it died, and has children forked. Thread-safe."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._lock = threading.Lock()
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def warm_up(self) -> None:
        """Have the nursery running and everything imported. Raises UnavailableError."""
        with self._lock:
            self._running_fork_server()

    @property
    def pid(self) -> int | None:
        """Process id of the nursery, None before the first start."""
        return None if self._process is None else self._process.pid

    def fork(self, order: dict[str, Any]) -> Child:
        """A child that carries out ``order``. Raises UnavailableError."""
        return self._fork(order, os.pipe())

    def fork_conversation(self, order: dict[str, Any]) -> Child:
        """A child that can be spoken to through ``messages``. Raises UnavailableError."""
        ours, theirs = socket.socketpair()
        return self._fork(order, (ours.detach(), theirs.detach()))

    def _fork(self, order: dict[str, Any], ends: tuple[int, int]) -> Child:
        """Fork; of the two ends of the messages the child gets the second."""
        messages, child_messages = ends
        fate, nursery_fate = os.pipe()
        try:
            self._send({"do": "fork", "order": order}, [child_messages, nursery_fate])
        except BaseException:
            os.close(messages)
            os.close(fate)
            raise
        finally:
            os.close(child_messages)
            os.close(nursery_fate)
        return Child(messages, fate)

    def signal(self, child: Child, number: int) -> None:
        """Signal the child's process group, if it still lives."""
        if child.pid is None or child.status is not None or child.lost:
            return
        with contextlib.suppress(OSError, UnavailableError):
            self._send({"do": "signal", "pid": child.pid, "signal": int(number)}, [])

    def _send(self, request: dict[str, Any], descriptors: list[int]) -> None:
        """Hand a request to the nursery; to a new one, if the old one turns out to be dead."""
        packet = [json.dumps(request).encode()]
        with self._lock:
            try:
                socket.send_fds(self._running_fork_server(), packet, descriptors)
            except OSError:
                self._discard()
                socket.send_fds(self._running_fork_server(), packet, descriptors)

    def _running_fork_server(self) -> socket.socket:
        """The socket of a nursery that lives; the lock is held."""
        alive = self._process is not None and self._process.poll() is None
        if self._control is not None and alive:
            return self._control
        self._discard()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = _start(theirs, self._cache)
        ours.settimeout(STARTING_SECONDS)
        if not _is_ready(ours):
            ours.close()
            self._process.kill()
            raise UnavailableError(
                "the process that forks children did not start",
                code="fork_server_lost",
                remedy="run `zooscope doctor`, then look at the worker's log for the import that fails",
            )
        ours.settimeout(None)
        self._control = ours
        return ours

    def close(self) -> None:
        """Stop the nursery and every child."""
        with self._lock:
            self._discard()

    def _discard(self) -> None:
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None:
            self._process.wait()


def _start(control: socket.socket, cache: Path) -> subprocess.Popen[bytes]:
    """Start the nursery in a session of its own, with a clean environment, to work in ``cache``."""
    cache.mkdir(parents=True, exist_ok=True)
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "workers.child.fork_server",
            str(control.fileno()),
            str(cache.resolve()),
        ],
        pass_fds=[control.fileno()],
        env=_clean_environment(),
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )


def _clean_environment() -> dict[str, str]:
    """What the nursery may know: no address, no key. Numeric libraries must not start threads."""
    ours = os.environ  # noqa: TID251 - passed on by an allow-list, not configuration
    kept = {name: ours[name] for name in _PASSED_ON if name in ours}
    quiet = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    return {**kept, **quiet, **VARIABLES}


def _is_ready(control: socket.socket) -> bool:
    """Whether the nursery has said that it is ready."""
    try:
        return bool(control.recv(1024))
    except (TimeoutError, ConnectionError):
        return False
