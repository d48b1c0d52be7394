"""The real processes of a zoo, small: a broker, a scheduler, workers; each can be killed."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from redis import Redis
from redis.exceptions import RedisError

from service.embedded.components import ComponentName, command_of
from service.embedded.redis import redis_server
from tests.waiting import HANG_SECONDS, eventually

ROOT = Path(__file__).parents[2]
REDIS = redis_server()


@dataclass
class Process:
    """A started process and its log file."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    def is_running(self) -> bool:
        return self.process.poll() is None

    def has_logged(self, text: str) -> bool:
        assert self.process.poll() is None, self.log.read_text()[-3000:]
        return text in self.log.read_text()

    def send(self, number: signal.Signals) -> None:
        if not self.is_running():
            return  # another process may have its id by now
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def descendants(self) -> list[psutil.Process]:
        if not self.is_running():
            return []
        try:
            return psutil.Process(self.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []


@dataclass
class ZooProcesses:
    """Processes of one zoo, started with the same settings in one folder."""

    folder: Path
    environment: dict[str, str]
    started: list[Process] = field(default_factory=list)

    @property
    def socket(self) -> Path:
        return self.folder / "redis.sock"

    @property
    def redis_url(self) -> str:
        return f"redis+socket://{self.socket}"

    def redis(self) -> Process:
        data = self.folder / "redis"
        data.mkdir(exist_ok=True)
        command = [str(REDIS), "--port", "0", "--unixsocket", str(self.socket), "--dir", str(data)]
        started = self._start("redis", [*command, "--save", "", "--appendonly", "no"])
        client = Redis(unix_socket_path=str(self.socket))

        def answers() -> bool:
            with contextlib.suppress(RedisError):
                return bool(client.ping())
            return False

        eventually(answers)
        client.close()
        return started

    def flush_broker(self) -> None:
        with Redis(unix_socket_path=str(self.socket)) as client:
            client.flushall()

    def scheduler(self) -> Process:
        started = self.start(ComponentName.SCHEDULER)
        eventually(lambda: started.has_logged("scheduler ready"))
        return started

    def worker(self, **settings: str) -> Process:
        started = self.start(ComponentName.WORKER, **settings)
        eventually(lambda: started.has_logged("worker ready"))
        return started

    def start(self, name: ComponentName, **settings: str) -> Process:
        """A component that may not be ready yet."""
        return self._start(name, command_of(name), **settings)

    def _start(self, name: str, command: list[str], **settings: str) -> Process:
        log = self.folder / f"{name}{len(self.started)}.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                command, cwd=ROOT, env={**self.environment, **settings}, stdout=out, stderr=out
            )
        self.started.append(Process(process, log))
        return self.started[-1]

    def close(self) -> None:
        """End all processes, and fail if one survives its parent."""
        family = [child for process in self.started for child in process.descendants()]
        for process in reversed(self.started):
            process.send(signal.SIGCONT)
            process.send(signal.SIGKILL)
            process.process.wait()
        _, orphans = psutil.wait_procs(family, timeout=HANG_SECONDS)
        for orphan in orphans:
            orphan.kill()
        assert not orphans, f"orphans: {orphans}"


@contextlib.contextmanager
def zoo_processes(folder: Path, database_url: str, **settings: str) -> Iterator[ZooProcesses]:
    """Processes that all end with the block."""
    folder.mkdir(parents=True, exist_ok=True)
    environment = {
        "PATH": os.environ["PATH"],
        "ZOO_HOME": str(folder / "home"),
        "ZOO_DATABASE_URL": database_url,
        "ZOO_REDIS_URL": f"redis+socket://{folder / 'redis.sock'}",
    }
    processes = ZooProcesses(folder, environment | settings)
    try:
        yield processes
    finally:
        processes.close()
