"""The watchdog stops the processes of an owner, however the owner dies."""

import signal
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from service.embedded.processes import end_process_tree, wait_until_ended
from service.embedded.watchdog import Watchdog
from tests.waiting import HANG_SECONDS

# Starts a child in a session of its own, the way a job's sandbox does, and ignores requests to end.
STUBBORN = (
    "import signal, subprocess, sys, time;"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "child = subprocess.Popen(['sleep', '600'], start_new_session=True);"
    "print(child.pid, flush=True); time.sleep(600)"
)


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "600"], start_new_session=True)
    yield process
    process.kill()
    process.wait()


def test_a_held_process_stops_when_the_watchdog_closes(sleeper: subprocess.Popen[bytes]):
    watchdog = Watchdog()
    watchdog.hold(sleeper.pid, by=signal.SIGTERM)

    watchdog.close()

    assert sleeper.wait(HANG_SECONDS) == -signal.SIGTERM


def test_a_released_process_keeps_running(sleeper: subprocess.Popen[bytes]):
    watchdog = Watchdog()
    watchdog.hold(sleeper.pid, by=signal.SIGTERM)
    watchdog.release(sleeper.pid)

    watchdog.close()

    assert sleeper.poll() is None


def test_a_process_that_has_already_exited_is_ignored(
    sleeper: subprocess.Popen[bytes],
):
    watchdog = Watchdog()
    watchdog.hold(2**22 - 1, by=signal.SIGTERM)
    watchdog.hold(sleeper.pid, by=signal.SIGTERM)

    watchdog.close()

    assert sleeper.wait(HANG_SECONDS) == -signal.SIGTERM


def test_the_death_of_the_owner_stops_the_held_processes(sleeper: subprocess.Popen[bytes]):
    program = (
        "import signal, sys, time; from service.embedded.watchdog import Watchdog;"
        f"Watchdog().hold({sleeper.pid}, by=signal.SIGTERM); print('held', flush=True);"
        "time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        owner.stdout.readline()

        owner.kill()

    assert sleeper.wait(HANG_SECONDS) == -signal.SIGTERM


def test_a_stubborn_process_is_killed_together_with_its_children():
    with subprocess.Popen(
        [sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE, start_new_session=True
    ) as stubborn:
        assert stubborn.stdout is not None
        child = psutil.Process(int(stubborn.stdout.readline()))

        end_process_tree(psutil.Process(stubborn.pid), by=signal.SIGTERM, patience_seconds=0.5)

        assert stubborn.wait(HANG_SECONDS) == -signal.SIGKILL
    assert wait_until_ended([child], seconds=HANG_SECONDS)
