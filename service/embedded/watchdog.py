"""Ends the parts of a zoo whose ``zooscope up`` died without ending them itself.

``up`` starts this program with a pipe as its standard input and writes one line for each process
it starts, ``hold PID SIGNAL``, and ``release PID`` when one has ended. However ``up`` ends, also
by ``kill -9``, the pipe closes; what is then still held is asked to end, newest first, and killed
if it does not.
"""

import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from typing import IO

import psutil

from service.embedded.processes import end_process_tree

PATIENCE_SECONDS = 10.0


class Watchdog:
    """The keeper as ``up`` sees it: a process to tell about every other process.

    ``inherit`` are file descriptors that stay open until the keeper has done its work, such as
    the lock of the home folder.
    """

    def __init__(self, *, inherit: Sequence[int] = ()) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "service.embedded.watchdog"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=inherit,
        )

    def hold(self, pid: int, *, by: signal.Signals) -> None:
        """End this process with the signal ``by`` should ``up`` die."""
        self._say(f"hold {pid} {by.value}")

    def release(self, pid: int) -> None:
        """This process has ended."""
        self._say(f"release {pid}")

    def close(self) -> None:
        """End the keeper; what it still holds ends with it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()


def watch(lines: Iterable[str]) -> None:
    """Follow the lines until they end, then end what is held, newest first."""
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
    """Remember a process, by id and start time, unless it has ended already."""
    try:
        held[pid] = (psutil.Process(pid), number)
    except psutil.NoSuchProcess:
        return


def main(source: IO[str]) -> None:
    """Keep until ``source`` ends; signals meant for ``up`` do not end the keeper."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    watch(source)


if __name__ == "__main__":
    main(sys.stdin)
