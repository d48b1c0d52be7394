"""The wall clock of a process with the preloaded library jumps; its monotonic clock does not."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tests.chaos.clocks import Clocks, shifting_clocks

HOUR = 3600
WALL_CLOCKS = ["time.time()", "datetime.datetime.now().timestamp()", "time.time_ns() / 1e9"]
PROGRAM = """
import datetime, sys, time
for line in sys.stdin:
    print(eval(line), flush=True)
"""


@pytest.fixture(scope="module")
def clocks() -> Iterator[Clocks]:
    with shifting_clocks() as clocks:
        if clocks is None:
            pytest.skip("there is no C compiler")
        yield clocks


@pytest.fixture
def process(clocks: Clocks) -> Iterator[subprocess.Popen[str]]:
    """A process that answers each line with the value of the expression."""
    pipe = subprocess.PIPE
    environment = {**os.environ, **clocks.environment}
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], env=environment, stdin=pipe, stdout=pipe, text=True
    ) as process:
        yield process
        process.kill()


def answer(process: subprocess.Popen[str], expression: str) -> float:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{expression}\n")
    process.stdin.flush()
    return float(process.stdout.readline())


@pytest.mark.parametrize("expression", WALL_CLOCKS)
def test_a_wall_clock_jumps_while_its_process_runs(
    clocks: Clocks, process: subprocess.Popen[str], expression: str
):
    before = answer(process, expression)
    clocks.shift(process.pid, -HOUR)
    after = answer(process, expression)

    assert abs(before - time.time()) < HOUR / 2
    assert abs(after + HOUR - time.time()) < HOUR / 2


def test_the_monotonic_clock_stays_as_it_is(clocks: Clocks, process: subprocess.Popen[str]):
    before = answer(process, "time.monotonic()")
    clocks.shift(process.pid, HOUR)
    after = answer(process, "time.monotonic()")

    assert 0 <= after - before < HOUR / 2


def test_only_a_process_with_the_library_can_be_shifted(
    clocks: Clocks, process: subprocess.Popen[str]
):
    answer(process, "0")

    assert clocks.can_shift(process.pid)
    assert not clocks.can_shift(os.getpid())
