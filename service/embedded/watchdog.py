"""Stops the processes of a zoo whose ``zooscope up`` died without stopping them itself.

``up`` starts this program with a pipe as its standard input and writes one line for each process
it starts, ``hold PID SIGNAL``, and ``release PID`` when one has exited. However ``up`` exits, even
by ``kill -9``, the pipe closes; the watchdog then signals the processes that it still holds, newest
first, and kills those that do not exit.
"""

import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from typing import IO

import psutil

from service.core.python_command import module_command
from service.embedded.processes import end_process_tree

PATIENCE_SECONDS = 10.0


class Watchdog:
    """The watchdog process as ``up`` sees it.

    ``inherit`` lists file descriptors that stay open until the watchdog exits, such as the lock of
    the home folder.
    """

    def __init__(self, *, inherit: Sequence[int] = ()) -> None:
        self._process = subprocess.Popen(
            module_command("service.embedded.watchdog"),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=inherit,
        )

    def hold(self, pid: int, *, by: signal.Signals) -> None:
        """Signal this process with ``by`` if ``up`` dies."""
        self._write_line(f"hold {pid} {by.value}")

    def release(self, pid: int) -> None:
        """Stop watching a process that has exited."""
        self._write_line(f"release {pid}")

    def close(self) -> None:
        """Stop the watchdog and every process that it still holds."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def _write_line(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()


def watch(lines: Iterable[str]) -> None:
    """Read the lines to their end, then stop the processes that are held, newest first."""
    held: dict[int, tuple[psutil.Process, signal.Signals]] = {}
    for line in lines:
        match line.split():
            case ["hold", pid, number]:
                _hold(held, int(pid), signal.Signals(int(number)))
            case ["release", pid]:
                held.pop(int(pid), None)
    for process, by in reversed(held.values()):
        end_process_tree(process, by=by, patience_seconds=PATIENCE_SECONDS)


def _hold(
    held: dict[int, tuple[psutil.Process, signal.Signals]], pid: int, number: signal.Signals
) -> None:
    """Hold a process, by id and start time, unless it has already exited."""
    try:
        held[pid] = (psutil.Process(pid), number)
    except psutil.NoSuchProcess:
        return


def main(source: IO[str]) -> None:
    """Watch until ``source`` ends; signals meant for ``up`` do not stop the watchdog."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    watch(source)


if __name__ == "__main__":
    main(sys.stdin)
