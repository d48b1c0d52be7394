"""Signals that ask a process to stop."""

import _thread
import signal
from collections.abc import Callable


def call_on_signals(stop: Callable[[], None], *numbers: signal.Signals) -> None:
    """Call ``stop``, such as the ``set`` of an event, when a signal arrives.

    Another thread calls it. A handler interrupts the main thread anywhere, also inside
    ``Event.wait``, where it holds the lock that ``Event.set`` takes: the process would never end.
    """
    for number in numbers:
        signal.signal(number, lambda *_: _thread.start_new_thread(stop, ()))
