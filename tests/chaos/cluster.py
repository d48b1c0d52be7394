"""A whole zoo for random faults: two workers, both APIs, and a supervisor that restarts what died."""

import contextlib
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import psutil

from service.core.operations.access import keys
from service.embedded.components import ComponentName
from service.embedded.ports import free_port
from tests.chaos.clocks import Clocks, shifting_clocks
from tests.disks import BALLAST, fill
from tests.jobs.cluster import PROJECT, TestCluster, running_cluster
from tests.jobs.processes import Process
from tests.waiting import HANG_SECONDS, eventually

WORKERS = 2
SCRATCH_MEBIBYTES = 32
STORE_MEBIBYTES = 256
# A lease that ends soon, so that lost jobs are taken over many times in a short run.
SETTINGS = {
    "ZOO_LEASE_SECONDS": "10",
    "ZOO_HEARTBEAT_SECONDS": "1",
    "ZOO_REAPER_INTERVAL_SECONDS": "1",
    "ZOO_SHUTDOWN_GRACE_SECONDS": "0.5",
}


@dataclass
class Chaos:
    """The processes that faults strike, by name, and what must be gone in the end.

    Attributes:
        disks: The folders that are small file systems of their own, which a fault can fill.
        clocks: The wall clocks that a fault can shift; None where none can be.
        crashes: The components that ended although no fault had killed them.
    """

    cluster: TestCluster
    client: httpx.Client
    grpc_address: str
    parts: dict[str, Process]
    disks: list[Path]
    clocks: Clocks | None
    frozen: dict[psutil.Process, float] = field(default_factory=dict)
    full: dict[Path, float] = field(default_factory=dict)
    doomed: list[psutil.Process] = field(default_factory=list)
    killed: set[str] = field(default_factory=set)
    crashes: list[str] = field(default_factory=list)
    restarts: int = 0

    def alive(self, *names: ComponentName) -> list[str]:
        """The names of running parts of these kinds."""
        return [
            key
            for key, part in sorted(self.parts.items())
            if part.is_running() and key.partition("-")[0] in names
        ]

    def fork_servers(self) -> list[psutil.Process]:
        """The direct children of the workers that fork jobs."""
        workers = [self.parts[key] for key in self.alive(ComponentName.WORKER)]
        family = [process for worker in workers for process in worker.descendants()]
        return [process for process in family if _is_fork_server(process)]

    def kill(self, key: str) -> None:
        """Kill a part; its whole family is expected to die with it."""
        part = self.parts[key]
        self.doomed += part.descendants()
        part.send(signal.SIGKILL)
        part.process.wait()
        self.killed.add(key)

    def kill_fork_server(self, server: psutil.Process) -> None:
        """Kill a fork server and its jobs; a worker that is not ready yet ends without it."""
        self.doomed += server.children(recursive=True)
        for key in self.alive(ComponentName.WORKER):
            worker = self.parts[key]
            if worker.pid == server.ppid() and not worker.has_logged("worker ready"):
                self.killed.add(key)
        server.kill()

    def pids(self) -> Mapping[str, int]:
        """The process ids of the running components and of Redis, by name."""
        parts = {key: self.parts[key].pid for key in self.alive(*ComponentName)}
        return {**parts, "redis": self.cluster.redis.pid}

    def freeze(self, process: psutil.Process, seconds: float) -> None:
        """Stop a process for some seconds; ``supervise`` continues it."""
        with contextlib.suppress(psutil.NoSuchProcess):
            process.suspend()
            self.frozen[process] = time.monotonic() + seconds

    def restart_redis(self) -> None:
        """Kill the broker and start it again, empty."""
        self.cluster.redis.send(signal.SIGKILL)
        self.cluster.redis.process.wait()
        self.cluster.redis = self.cluster.processes.redis()

    def restart_postgres(self) -> None:
        """Kill the database's main process, wait until its others are gone, and start it again."""
        main = psutil.Process(self.cluster.postgres.pid)
        family = main.children(recursive=True)
        main.kill()
        eventually(lambda: not self.cluster.postgres.is_running())
        psutil.wait_procs(family, timeout=HANG_SECONDS)
        self.cluster.postgres.restart()
        self.cluster.zoo.engine.dispose()

    def fill_disk(self, folder: Path, seconds: float) -> None:
        """Leave no byte free in one of the small file systems for some seconds."""
        fill(folder)
        self.full[folder] = time.monotonic() + seconds

    def supervise(self) -> list[str]:
        """Restart dead parts, and end pauses that are over; the names of what was restarted."""
        now = time.monotonic()
        for process in [process for process, end in self.frozen.items() if end <= now]:
            self.thaw(process)
        for folder in [folder for folder, end in self.full.items() if end <= now]:
            self.empty_disk(folder)
        dead = [key for key, part in self.parts.items() if not part.is_running()]
        for key in dead:
            self._restart(key)
        return dead

    def _restart(self, key: str) -> None:
        """Start a dead component again; note it if no fault had killed it."""
        if key not in self.killed:
            part = self.parts[key]
            end = part.log.read_text(errors="replace")[-2000:]
            self.crashes.append(f"{key}, status {part.process.returncode}: {end}")
        self.killed.discard(key)
        self.parts[key] = self.cluster.processes.start(ComponentName(key.partition("-")[0]))
        self.restarts += 1

    def thaw(self, process: psutil.Process) -> None:
        """Continue a frozen process."""
        self.frozen.pop(process, None)
        with contextlib.suppress(psutil.NoSuchProcess):
            process.resume()

    def empty_disk(self, folder: Path) -> None:
        """Give the space in a small file system back."""
        del self.full[folder]
        (folder / BALLAST).unlink(missing_ok=True)

    def calm(self) -> None:
        """End every fault that lasts, and have every part running."""
        for process in list(self.frozen):
            self.thaw(process)
        for folder in list(self.full):
            self.empty_disk(folder)
        self.supervise()


def _is_fork_server(process: psutil.Process) -> bool:
    """Whether a process forks jobs; a job's own process hides its command line."""
    with contextlib.suppress(psutil.Error):
        return any("fork_server" in argument for argument in process.cmdline())
    return False


@contextlib.contextmanager
def small_disk(folder: Path, *, mebibytes: int) -> Iterator[list[Path]]:
    """The folder with its files, now a file system of this size; empty without the right to mount."""
    mount = ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m,mode=700", "chaos", str(folder)]
    with TemporaryDirectory(prefix="zoo-disk-") as name:
        shutil.copytree(folder, name, dirs_exist_ok=True)
        if shutil.which("mount") is None or not _succeeds(mount):
            yield []
            return
        try:
            shutil.copytree(name, folder, dirs_exist_ok=True)
            yield [folder]
        finally:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _succeeds(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@contextlib.contextmanager
def chaos_cluster() -> Iterator[Chaos]:
    """A zoo that serves, with two workers and a key; all processes end with the block."""
    ports = {"ZOO_PORT": str(free_port()), "ZOO_GRPC_PORT": str(free_port())}
    with contextlib.ExitStack() as stack:
        clocks = stack.enter_context(shifting_clocks())
        shim = {} if clocks is None else clocks.environment
        cluster = stack.enter_context(running_cluster(**SETTINGS, **ports, **shim))
        zoo = cluster.zoo
        store = stack.enter_context(
            small_disk(zoo.settings.folder / "blobs", mebibytes=STORE_MEBIBYTES)
        )
        scratch = stack.enter_context(small_disk(zoo.scratch, mebibytes=SCRATCH_MEBIBYTES))
        client = stack.enter_context(_client(cluster, ports["ZOO_PORT"]))
        chaos = Chaos(
            cluster,
            client,
            f"127.0.0.1:{ports['ZOO_GRPC_PORT']}",
            _parts(cluster),
            [*store, *scratch],
            clocks,
        )
        try:
            yield chaos
        finally:
            chaos.calm()
            for name in list(chaos.parts):
                chaos.kill(name)


def _parts(cluster: TestCluster) -> dict[str, Process]:
    """The components by name: those that run, and those that are started now."""
    start = cluster.processes.start
    return {
        f"{ComponentName.WORKER}-0": cluster.workers.pop(),
        **{f"{ComponentName.WORKER}-{n}": start(ComponentName.WORKER) for n in range(1, WORKERS)},
        ComponentName.SCHEDULER: cluster.scheduler,
        **{name: start(name) for name in (ComponentName.API, ComponentName.GRPC)},
    }


def _client(cluster: TestCluster, port: str) -> httpx.Client:
    """A client of REST with a key."""
    with cluster.zoo.transaction() as session:
        key = keys.issue(session, project=PROJECT, name="chaos", scopes=["admin"])
    return httpx.Client(
        base_url=f"http://127.0.0.1:{port}",
        headers={"Authorization": f"Bearer {key.token}"},
        timeout=5.0,
    )
