"""A child is watched to its end, hears every signal, knows no secret, and never outlives its worker."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from tests.waiting import eventually
from workers.isolation.fork_client import Child, ForkServerClient
from workers.isolation.workdir import Scratch

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def fork_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkServerClient]:
    patch = pytest.MonkeyPatch()
    patch.setenv("ZOO_DATABASE_URL", "postgresql://secret")
    fork_server = ForkServerClient(tmp_path_factory.mktemp("cache"))
    fork_server.warm_up()
    patch.undo()
    yield fork_server
    fork_server.close()


def a_training(folder: Path, *, steps: int) -> dict[str, object]:
    """The order for a child that trains on noise; its files are laid out."""
    scratch = Scratch(folder)
    scratch.make()
    frames = np.random.default_rng(0).integers(0, 255, (8, 8, 8, 3), dtype=np.uint8)
    np.save(scratch.inputs / "canonical.npy", frames)
    request = {
        "method": "reference_network",
        "origin": {"job": "job_1", "version": 1},
        "params": {"steps": steps, "width": 4, "batch_size": 2},
        "facts": {"name": "noise", "classes": ["a", "b"], "labels": [0, 1] * 4},
    }
    scratch.request.write_text(json.dumps(request))
    return {
        "life": "job",
        "folder": str(folder),
        "cpu_seconds": 600,
        "threads": 1,
        "device": "cpu",
        "require_sandbox": False,
    }


def heard_until(child: Child, kind: str | None) -> list[dict[str, object]]:
    """What a child says until a message of this kind, or until its end."""
    trained_on: list[dict[str, object]] = []
    while not child.ended:
        trained_on += child.listen(1.0)
        if kind is not None and any(one["kind"] == kind for one in trained_on):
            break
    return trained_on


def test_a_child_tells_its_progress_and_leaves_its_result(
    fork_server: ForkServerClient, tmp_path: Path
):
    child = fork_server.fork(a_training(tmp_path / "job", steps=20))

    kinds = [one["kind"] for one in heard_until(child, None)]

    assert (kinds[0], kinds[-1], child.status) == ("running", "done", 0)
    assert "progress" in kinds
    assert (tmp_path / "job" / "out" / "program.pt2").exists()
    assert json.loads((tmp_path / "job" / "out" / "result.json").read_text())["layers"]
    child.close()


def test_a_failure_is_told_with_code_and_trace(fork_server: ForkServerClient, tmp_path: Path):
    order = a_training(tmp_path / "job", steps=20)
    Scratch(tmp_path / "job").request.unlink()

    child = fork_server.fork(order)
    last = heard_until(child, None)[-1]

    assert (last["kind"], last["error"]["code"], last["again"]) == ("error", "internal", True)
    assert "FileNotFoundError" in last["trace"]
    assert child.status == 1
    child.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_signal_ends_a_child_and_its_fate_is_told(
    fork_server: ForkServerClient, tmp_path: Path, number
):
    child = fork_server.fork(a_training(tmp_path / "job", steps=100_000))
    heard_until(child, "progress")

    fork_server.signal(child, number)
    heard_until(child, None)

    assert child.status == -number
    assert child.peak_bytes > 0
    child.close()


def test_neither_nursery_nor_child_holds_a_secret(fork_server: ForkServerClient, tmp_path: Path):
    child = fork_server.fork(a_training(tmp_path / "job", steps=100_000))
    heard_until(child, "progress")

    for pid in (fork_server.pid, child.pid):
        assert b"ZOO_" not in Path(f"/proc/{pid}/environ").read_bytes()
    fork_server.signal(child, signal.SIGKILL)
    heard_until(child, None)
    child.close()


def test_the_worker_never_loads_torch():
    code = "import sys, workers.worker.app; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


WORKER = """
import json, sys, time
from pathlib import Path
from workers.isolation.fork_client import Cradle
cradle = Cradle(Path(sys.argv[1]))
child = cradle.fork(json.loads(sys.argv[2]))
while child.pid is None:
    child.listen(1.0)
sys.stdout.write(f"{cradle.pid} {child.pid}\\n")
sys.stdout.flush()
time.sleep(600)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_when_the_worker_dies_nothing_of_it_lives_on(tmp_path: Path, number):
    order = json.dumps(a_training(tmp_path / "job", steps=100_000))
    command = [sys.executable, "-c", WORKER, str(tmp_path / "cache"), order]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        family = [psutil.Process(int(pid)) for pid in worker.stdout.readline().split()]

        os.kill(worker.pid, number)

        eventually(lambda: not any(map(lives, family)))


def lives(process: psutil.Process) -> bool:
    """Whether a process runs; a body nobody has buried yet does not."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.status() != psutil.STATUS_ZOMBIE
    return False
