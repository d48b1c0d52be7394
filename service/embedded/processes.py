"""Stops a process together with everything it started."""

import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress

import psutil

POLL_SECONDS = 0.02


def has_ended(process: psutil.Process) -> bool:
    """Whether the process is gone, or is a zombie that waits for its parent."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def wait_until_ended(processes: Sequence[psutil.Process], *, seconds: float) -> bool:
    """True as soon as all have exited; False if some have not after ``seconds``.

    Unlike psutil's own wait, this does not reap, so the parent still receives the exit status.
    """
    give_up = time.monotonic() + seconds
    while not all(has_ended(process) for process in processes):
        if time.monotonic() > give_up:
            return False
        time.sleep(POLL_SECONDS)
    return True


def end_process_tree(
    process: psutil.Process, *, by: signal.Signals, patience_seconds: float
) -> None:
    """Signal a process, wait, then kill what is left of it, its group and its children.

    A process that has exited, or whose id now belongs to another process, is left alone.
    """
    try:
        processes = [process, *process.children(recursive=True)]
        process.send_signal(by)
    except psutil.NoSuchProcess:
        return
    wait_until_ended([process], seconds=patience_seconds)
    _kill_group(process.pid, processes)
    for member in processes:
        with suppress(psutil.NoSuchProcess):
            member.kill()
    wait_until_ended(processes, seconds=patience_seconds)


def _kill_group(leader: int, processes: Sequence[psutil.Process]) -> None:
    """Kill the process group of ``leader`` if one of the processes is still in it."""
    for member in processes:
        with suppress(psutil.NoSuchProcess, ProcessLookupError, PermissionError):
            if member.is_running() and os.getpgid(member.pid) == leader:
                os.killpg(leader, signal.SIGKILL)
                return
