"""How long each stage of a run takes."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Stages:
    """Wall-clock seconds by stage, in the order in which they ended."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Time the block and say so."""
        began = time.monotonic()
        yield
        self.seconds[name] = time.monotonic() - began
        say(f"{name}: {self.seconds[name]:.1f} s")


def say(line: str) -> None:
    """One line, at once, also into a pipe."""
    print(line)
    sys.stdout.flush()
