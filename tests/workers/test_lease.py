"""A child is followed to its end, receives every signal, knows no secret and dies with its worker."""

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
    """The configuration of a child that trains on noise, with its files staged."""
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
        "entry_point": "job",
        "folder": str(folder),
        "cpu_seconds": 600,
        "memory_bytes": 2 * 1024**3,
        "threads": 1,
        "device": "cpu",
        "require_sandbox": False,
    }


def messages_until(child: Child, kind: str | None) -> list[dict[str, object]]:
    """The messages of a child up to the first of this kind, or up to its end."""
    messages: list[dict[str, object]] = []
    while not child.ended:
        messages += child.read_messages(1.0)
        if kind is not None and any(message["kind"] == kind for message in messages):
            break
    return messages


def test_a_child_reports_its_progress_and_writes_its_result(
    fork_server: ForkServerClient, tmp_path: Path
):
    child = fork_server.fork(a_training(tmp_path / "job", steps=20))

    kinds = [message["kind"] for message in messages_until(child, None)]

    assert (kinds[0], kinds[-1], child.status) == ("running", "done", 0)
    assert "progress" in kinds
    assert (tmp_path / "job" / "out" / "program.pt2").exists()
    result = json.loads((tmp_path / "job" / "out" / "result.json").read_text())
    assert result["network"]["layers"]
    child.close()


def test_a_failure_is_reported_with_code_and_trace(fork_server: ForkServerClient, tmp_path: Path):
    config = a_training(tmp_path / "job", steps=20)
    Scratch(tmp_path / "job").request.unlink()

    child = fork_server.fork(config)
    last = messages_until(child, None)[-1]

    assert (last["kind"], last["error"]["code"], last["retryable"]) == ("error", "internal", True)
    assert "FileNotFoundError" in last["trace"]
    assert child.status == 1
    child.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_signal_ends_a_child_and_its_exit_status_is_reported(
    fork_server: ForkServerClient, tmp_path: Path, number
):
    child = fork_server.fork(a_training(tmp_path / "job", steps=100_000))
    messages_until(child, "progress")

    fork_server.signal(child, number)
    messages_until(child, None)

    assert child.status == -number
    assert child.peak_bytes > 0
    child.close()


def readable_environment(pid: int) -> bytes:
    """What other processes of this user can read of it; nothing if it is closed to them."""
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except PermissionError:
        return b""


def test_neither_fork_server_nor_child_holds_a_secret(
    fork_server: ForkServerClient, tmp_path: Path
):
    child = fork_server.fork(a_training(tmp_path / "job", steps=100_000))
    messages_until(child, "progress")

    for pid in (fork_server.pid, child.pid):
        assert b"ZOO_" not in readable_environment(pid)
    fork_server.signal(child, signal.SIGKILL)
    messages_until(child, None)
    child.close()


def test_the_worker_never_loads_torch():
    code = "import sys, workers.worker.app; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


WORKER = """
import json, sys, time
from pathlib import Path
from workers.isolation.fork_client import ForkServerClient
fork_server = ForkServerClient(Path(sys.argv[1]))
child = fork_server.fork(json.loads(sys.argv[2]))
child.wait_for_pid()
sys.stdout.write(f"{fork_server.pid} {child.pid}\\n")
sys.stdout.flush()
time.sleep(600)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_when_the_worker_dies_its_fork_server_and_children_die(tmp_path: Path, number):
    config = json.dumps(a_training(tmp_path / "job", steps=100_000))
    command = [sys.executable, "-c", WORKER, str(tmp_path / "cache"), config]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        family = [psutil.Process(int(pid)) for pid in worker.stdout.readline().split()]

        os.kill(worker.pid, number)

        eventually(lambda: not any(map(runs, family)))


def runs(process: psutil.Process) -> bool:
    """Whether a process runs; a zombie does not."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.status() != psutil.STATUS_ZOMBIE
    return False
