"""A signal stops a process also while the main thread holds the lock of the event."""

import subprocess
import sys

from tests.waiting import HANG_SECONDS

# The main thread interrupts itself at the one place where it holds the lock of the event.
STOPPED_WHILE_THE_LOCK_IS_HELD = """
import signal, threading
from service.stop_signals import call_on_signals
stopping = threading.Event()
call_on_signals(stopping.set, signal.SIGTERM)
with stopping._cond:
    signal.raise_signal(signal.SIGTERM)
stopping.wait()
"""


def test_a_signal_within_a_wait_stops_the_process():
    command = [sys.executable, "-c", STOPPED_WHILE_THE_LOCK_IS_HELD]

    assert subprocess.run(command, check=False, timeout=HANG_SECONDS).returncode == 0
