"""However the owner of some processes dies, the keeper ends them."""

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


def test_a_held_process_ends_when_the_keeper_closes(sleeper: subprocess.Popen[bytes]):
    keeper = Watchdog()
    keeper.hold(sleeper.pid, by=signal.SIGTERM)

    keeper.close()

    assert sleeper.wait(HANG_SECONDS) == -signal.SIGTERM


def test_a_released_process_lives_on(sleeper: subprocess.Popen[bytes]):
    keeper = Watchdog()
    keeper.hold(sleeper.pid, by=signal.SIGTERM)
    keeper.release(sleeper.pid)

    keeper.close()

    assert sleeper.poll() is None


def test_a_process_that_had_ended_before_is_no_reason_to_stumble(
    sleeper: subprocess.Popen[bytes],
):
    keeper = Watchdog()
    keeper.hold(2**22 - 1, by=signal.SIGTERM)
    keeper.hold(sleeper.pid, by=signal.SIGTERM)

    keeper.close()

    assert sleeper.wait(HANG_SECONDS) == -signal.SIGTERM


def test_the_death_of_the_owner_ends_what_it_held(sleeper: subprocess.Popen[bytes]):
    program = (
        "import signal, sys, time; from service.embedded.watchdog import Keeper;"
        f"Keeper().hold({sleeper.pid}, by=signal.SIGTERM); print('held', flush=True);"
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
