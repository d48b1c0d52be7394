"""A job's child reaches its scratch folder and nothing else: no network, no secrets, no other process.

Every promise is tried from inside a real sandbox, in a fresh process.
"""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from subprocess import PIPE

import pytest

from tests.waiting import HANG_SECONDS
from workers.isolation import environment as child_environment
from workers.isolation.sandbox import SandboxLayer

ROOT = Path(__file__).parents[2]
DROP_CACHES = Path("/proc/sys/vm/drop_caches")

PRELUDE = """
import json, os, sys
from pathlib import Path
from workers.isolation import sandbox

folder = Path(sys.argv[1])
policy = sandbox.SandboxPolicy(
    readable=(*sandbox.code_folders(), *sandbox.system_files(), folder),
    writable=(folder / "out",),
    devices=sandbox.device_files("cpu"),
    cpu_seconds=60,
    memory=sandbox.Memory.LIMITED,
)
missing = sandbox.enter(policy)

def tried(action):
    try:
        action()
    except OSError as error:
        return type(error).__name__
    return "allowed"

def report(value):
    sys.__stdout__.write(json.dumps(value))
    sys.__stdout__.flush()
"""


READ_TWICE = """
names = ("cpuinfo", "meminfo", "stat", "self/statm", "sys/vm/overcommit_memory")
for wait in (lambda: None, sys.stdin.readline):
    wait()
    report([tried(lambda name=name: open(f"/proc/{name}").read()) for name in names])
    sys.__stdout__.write("\\n")
    sys.__stdout__.flush()
"""


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    (tmp_path / "input").write_text("mine")
    return tmp_path


def inside(scratch: Path, code: str, **environment: str) -> object:
    """What ``code`` reports from inside the sandbox."""
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE + textwrap.dedent(code), str(scratch)],
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        env={"PATH": "/usr/bin:/bin", **environment},
        cwd=ROOT,
        check=False,
    )
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(autouse=True)
def _whole(scratch: Path) -> None:
    """These promises need a kernel that can keep them."""
    missing = inside(scratch, "report(list(missing))")
    if missing:
        pytest.skip(f"this kernel lacks {missing}")


def test_no_socket_can_be_opened(scratch: Path):
    result = inside(
        scratch,
        """
        import socket
        families = (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX)
        report([tried(lambda f=f: socket.socket(f)) for f in families])
        """,
    )

    assert result == ["PermissionError"] * 3


def test_files_outside_the_scratch_folder_cannot_be_read(scratch: Path, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    (home / "blob").write_text("another project's")
    paths = ["/etc/shadow", "/etc/passwd", str(home / "blob"), "/root", "/proc/1/environ", "/tmp"]

    result = inside(
        scratch,
        f"""
        def look(path):
            os.listdir(path) if os.path.isdir(path) else open(path).read()
        report([tried(lambda p=p: look(p)) for p in {paths!r}])
        """,
    )

    assert result == ["PermissionError"] * len(paths)


def test_inputs_can_be_read_but_not_changed(scratch: Path):
    result = inside(
        scratch,
        """
        report([
            tried(lambda: open(folder / "input").read()),
            tried(lambda: open(folder / "input", "a")),
            tried(lambda: os.unlink(folder / "input")),
            tried(lambda: open(folder / "new", "w")),
            tried(lambda: open(folder / "out" / "new", "w")),
        ])
        """,
    )

    assert result == [
        "allowed",
        "PermissionError",
        "PermissionError",
        "PermissionError",
        "allowed",
    ]


def test_the_code_of_workers_and_service_can_be_read(scratch: Path):
    paths = [str(ROOT / "workers" / "methods" / "__init__.py"), str(ROOT / "service" / "logs.py")]

    result = inside(scratch, f"report([tried(lambda p=p: open(p).read()) for p in {paths!r}])")

    assert result == ["allowed"] * 2


def test_links_out_of_the_folder_cannot_be_made(scratch: Path):
    result = inside(
        scratch,
        """
        out = folder / "out"
        report([
            tried(lambda: os.symlink("/etc/shadow", out / "a")),
            tried(lambda: os.link(folder / "input", out / "b")),
            tried(lambda: os.mkfifo(out / "c")),
        ])
        """,
    )

    assert result == ["PermissionError"] * 3


def test_the_environment_holds_no_secret(scratch: Path):
    result = inside(
        scratch,
        "report(sorted(os.environ))",
        ZOO_DATABASE_URL="postgresql://secret",
        AWS_SECRET_ACCESS_KEY="secret",
    )

    assert result == sorted(child_environment.VARIABLES)


def test_no_other_process_can_be_made_or_touched(scratch: Path):
    result = inside(
        scratch,
        """
        import ctypes, subprocess
        libc = ctypes.CDLL(None, use_errno=True)
        report([
            tried(os.fork),
            tried(lambda: os.execv(sys.executable, [sys.executable])),
            tried(lambda: subprocess.run(["/bin/true"])),
            tried(lambda: os.kill(1, 0)),
            libc.ptrace(16, 1, 0, 0),
        ])
        """,
    )

    assert result == ["PermissionError"] * 4 + [-1]


def test_threads_can_be_made(scratch: Path):
    result = inside(
        scratch,
        """
        import threading
        values = []
        thread = threading.Thread(target=values.append, args=[1])
        thread.start(); thread.join()
        report(values)
        """,
    )

    assert result == [1]


def test_torch_computes_and_differentiates_inside(scratch: Path):
    result = inside(
        scratch,
        """
        import torch
        torch.set_num_threads(2)
        images = torch.randn(4, 3, 64, 64, requires_grad=True)
        torch.nn.Conv2d(3, 8, 3)(images).square().sum().backward()
        report(bool(images.grad.isfinite().all()))
        """,
    )

    assert result is True


def test_memory_is_bounded(scratch: Path):
    result = inside(
        scratch,
        """
        try:
            bytearray(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") * 2)
        except MemoryError:
            report("refused")
        """,
    )

    assert result == "refused"


def test_the_sandbox_cannot_be_left(scratch: Path):
    result = inside(
        scratch,
        """
        import resource
        report([
            tried(lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1, 1))),
            tried(os.setsid),
            tried(lambda: os.setuid(12345)),
            tried(lambda: os.chroot(folder)),
        ])
        """,
    )

    assert result == ["allowed", "PermissionError", "PermissionError", "PermissionError"]


@pytest.mark.skipif(not os.access(DROP_CACHES, os.W_OK), reason="only root can drop caches")
def test_system_files_stay_readable_when_the_kernel_forgets_their_names(scratch: Path):
    command = [sys.executable, "-c", PRELUDE + READ_TWICE, str(scratch)]
    with subprocess.Popen(command, stdin=PIPE, stdout=PIPE, text=True, cwd=ROOT) as child:
        assert json.loads(child.stdout.readline()) == ["allowed"] * 5
        DROP_CACHES.write_text("2")

        later, _ = child.communicate("\n", timeout=60)

    assert json.loads(later) == ["allowed"] * 5


def test_every_layer_is_reported(scratch: Path):
    done = subprocess.run(
        [sys.executable, "-m", "workers.isolation.sandbox"],
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        cwd=ROOT,
        check=True,
    )

    assert json.loads(done.stdout) == {layer.value: None for layer in SandboxLayer}
