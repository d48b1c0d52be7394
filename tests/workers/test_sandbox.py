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
from workers.isolation import seccomp
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
    memory_bytes=2 * 1024**3,
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


# One case per call: what is refused, and its arguments besides the number of another process.
REFUSED_CALLS = {
    "chmod": "os.chmod(target, 0o777)",
    "fchmod": "os.fchmod(opened, 0o777)",
    "chmod of a file of its own": "os.chmod(own, 0o777)",
    "fchmodat": "os.chmod('input', 0o777, dir_fd=parent)",
    "fchmodat2": "call(452, -100, os.fsencode(target), 0o777, 0)",
    "chown": "os.chown(target, os.getuid(), os.getgid())",
    "fchown": "os.fchown(opened, os.getuid(), os.getgid())",
    "lchown": "os.lchown(target, os.getuid(), os.getgid())",
    "fchownat": "os.chown('input', os.getuid(), os.getgid(), dir_fd=parent)",
    "utimensat": "os.utime(target)",
    "futimens": "os.utime(opened)",
    "utimes": "call(numbers['utimes'], os.fsencode(target), None)",
    "utime": "call(numbers['utime'], os.fsencode(target), None)",
    "futimesat": "call(numbers['futimesat'], -100, os.fsencode(target), None)",
    "setxattr": "os.setxattr(target, 'user.a', b'1')",
    "lsetxattr": "os.setxattr(target, 'user.a', b'1', follow_symlinks=False)",
    "fsetxattr": "os.setxattr(opened, 'user.a', b'1')",
    "setxattrat": "call(463, -100, os.fsencode(target), 0, b'user.a', None, 0)",
    "removexattr": "os.removexattr(target, 'user.a')",
    "lremovexattr": "os.removexattr(target, 'user.a', follow_symlinks=False)",
    "fremovexattr": "os.removexattr(opened, 'user.a')",
    "removexattrat": "call(466, -100, os.fsencode(target), 0, b'user.a')",
    "prlimit of the parent": "resource.prlimit(os.getppid(), resource.RLIMIT_CORE, (0, 0))",
    "prlimit of the parent, reading": "resource.prlimit(os.getppid(), resource.RLIMIT_CORE)",
    "sched_setaffinity of the parent": (
        "os.sched_setaffinity(os.getppid(), os.sched_getaffinity(0))"
    ),
    "setpriority of the parent": "os.setpriority(os.PRIO_PROCESS, os.getppid(), 0)",
    "setpriority of a user": "os.setpriority(os.PRIO_USER, 0, 0)",
    "ioprio_set of the parent": "call(numbers['ioprio_set'], 1, os.getppid(), 0)",
    "sched_setscheduler of the parent": (
        "os.sched_setscheduler(os.getppid(), os.SCHED_OTHER, os.sched_param(0))"
    ),
    "sched_setparam of the parent": "os.sched_setparam(os.getppid(), os.sched_param(0))",
    "sched_setattr of the parent": "call(numbers['sched_setattr'], os.getppid(), None, 0)",
    "migrate_pages of the parent": "call(numbers['migrate_pages'], os.getppid(), 0, None, None)",
    "move_pages of the parent": "call(numbers['move_pages'], os.getppid(), 0, None, None, None, 0)",
    "get_robust_list of the parent": (
        "call(numbers['get_robust_list'], os.getppid(), address, address)"
    ),
    "kill of the parent": "os.kill(os.getppid(), 0)",
    "kill of the process group": "os.kill(0, 0)",
    "tgkill of the parent": "call(numbers['tgkill'], os.getppid(), os.getppid(), 0)",
    "tkill of the parent": "call(numbers['tkill'], os.getppid(), 0)",
    "rt_sigqueueinfo to the parent": "call(numbers['rt_sigqueueinfo'], os.getppid(), 0, None)",
    "pidfd_open of the parent": "os.pidfd_open(os.getppid())",
    "process_madvise": "call(440, 0, None, 0, 0, 0)",
    "mount": "call(numbers['mount'], b'none', b'/tmp', b'tmpfs', 0, None)",
    "open_tree_attr": "call(467, -100, b'/', 0, None, 0)",
    "shmget": "call(numbers['shmget'], 1, 4096, 0)",
    "semget": "call(numbers['semget'], 1, 1, 0)",
    "msgget": "call(numbers['msgget'], 1, 0)",
    "mq_open": "call(numbers['mq_open'], b'queue', 0, 0, None)",
    "inotify_add_watch": "call(numbers['inotify_add_watch'], 0, b'/', 1)",
}

REFUSED_PRELUDE = """
import ctypes, platform, resource
from workers.isolation import seccomp
column = seccomp._ARCHITECTURES[platform.machine()].column
tables = (seccomp._REFUSED, seccomp._SIGNALS, seccomp._OWN_PROCESS)
numbers = {name: pair[column] for table in tables for name, pair in table.items()}
libc = ctypes.CDLL(None, use_errno=True)
address = ctypes.byref(ctypes.create_string_buffer(64))
target, own = folder / "input", folder / "out" / "own"
own.write_text("own")
opened, parent = os.open(target, os.O_RDONLY), os.open(folder, os.O_RDONLY)

def call(number, *arguments):
    if number is None:  # this architecture has no such call
        raise PermissionError
    if libc.syscall(number, *arguments) < 0:
        raise OSError(ctypes.get_errno(), "")
"""


@pytest.mark.parametrize("action", REFUSED_CALLS.values(), ids=REFUSED_CALLS)
def test_no_attribute_of_a_file_and_no_other_process_can_be_changed(scratch: Path, action: str):
    # The second answer shows that the prelude itself ran.
    code = REFUSED_PRELUDE + f"report([tried(lambda: {action}), 'ran'])"

    assert inside(scratch, code) == ["PermissionError", "ran"]


def test_a_process_may_still_limit_place_and_signal_itself(scratch: Path):
    result = inside(
        scratch,
        """
        import resource, signal, threading
        signal.signal(signal.SIGUSR1, lambda *_: None)
        report([
            tried(lambda: resource.prlimit(0, resource.RLIMIT_CORE)),
            tried(lambda: resource.prlimit(os.getpid(), resource.RLIMIT_CORE)),
            tried(lambda: os.sched_setaffinity(0, os.sched_getaffinity(0))),
            tried(lambda: os.kill(os.getpid(), signal.SIGUSR1)),
            tried(lambda: signal.raise_signal(signal.SIGUSR1)),
            tried(lambda: signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)),
        ])
        """,
    )

    assert result == ["allowed"] * 6


@pytest.mark.parametrize("machine", seccomp._ARCHITECTURES)
def test_the_filter_holds_every_number_of_the_table_and_jumps_within_itself(machine: str):
    architecture = seccomp._ARCHITECTURES[machine]
    tables = (seccomp._REFUSED, seccomp._SIGNALS, seccomp._OWN_PROCESS)
    numbers = [pair[architecture.column] for table in tables for pair in table.values()]

    steps = seccomp.program(architecture, pid=4321)

    compared = {value for code, _, _, value in steps if code == seccomp._EQUAL}
    assert {number for number in numbers if number is not None} <= compared
    assert len({n for n in numbers if n is not None}) == len([n for n in numbers if n is not None])
    assert all(
        index + 1 + max(then, otherwise) < len(steps)
        for index, (code, then, otherwise, _) in enumerate(steps)
        if code in (seccomp._EQUAL, seccomp._AT_LEAST)
    )
    assert len(steps) < 4096  # the kernel's limit


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

        later, _ = child.communicate("\n", timeout=HANG_SECONDS)

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
