"""The private servers of one machine, each started only if no address is configured."""

import signal
import time
from collections.abc import Callable

from pydantic import SecretStr

from service.embedded.home import Home
from service.embedded.postgres import DATABASE, PrivatePostgres
from service.embedded.redis import PrivateRedis
from service.embedded.watchdog import Watchdog
from service.settings import Settings


class PrivateServers:
    """A private Postgres and Redis for settings without their addresses.

    Both run from construction to ``stop``; ``restart_dead`` restarts them.
    ``start_seconds`` holds how long each took to start.
    """

    def __init__(self, settings: Settings, home: Home, watchdog: Watchdog) -> None:
        self._home = home
        self._watchdog = watchdog
        self.postgres: PrivatePostgres | None = None
        self.redis: PrivateRedis | None = None
        self.start_seconds: dict[str, float] = {}
        began = time.monotonic()
        if settings.database_url is None:
            self._start_postgres()
        self.start_seconds["postgres"] = time.monotonic() - began
        began = time.monotonic()
        if settings.redis_url is None:
            self.redis = PrivateRedis(home.redis)
            self._hold_redis()
        self.start_seconds["redis"] = time.monotonic() - began

    def with_addresses(self, settings: Settings) -> Settings:
        """The settings with the addresses of the private servers."""
        addresses = {}
        if self.postgres is not None:
            addresses["database_url"] = SecretStr(self.postgres.url())
        if self.redis is not None:
            addresses["redis_url"] = SecretStr(self.redis.url)
        return settings.model_copy(update=addresses)

    def pids(self) -> dict[str, int]:
        """Process ids by name."""
        servers = {"postgres": self.postgres, "redis": self.redis}
        return {name: server.pid for name, server in servers.items() if server is not None}

    def restart_dead(self, print_line: Callable[[str], None]) -> bool:
        """Restart the servers that have died, at the same address; True if one had."""
        return self._restart_dead_postgres(print_line) | self._restart_dead_redis(print_line)

    def _restart_dead_postgres(self, print_line: Callable[[str], None]) -> bool:
        if self.postgres is None or self.postgres.is_running():
            return False
        print_line("postgres exited unexpectedly; restarting it")
        self._watchdog.release(self.postgres.pid)
        self.postgres.restart()
        self._hold_postgres()
        return True

    def _restart_dead_redis(self, print_line: Callable[[str], None]) -> bool:
        if self.redis is None or self.redis.is_running():
            return False
        print_line("redis exited unexpectedly; restarting it")
        self._watchdog.release(self.redis.pid)
        self.redis.restart()
        self._hold_redis()
        return True

    def stop(self) -> None:
        """Shut both down, the broker first."""
        for server in (self.redis, self.postgres):
            if server is not None:
                pid = server.pid
                server.stop()
                self._watchdog.release(pid)

    def _start_postgres(self) -> None:
        self.postgres = PrivatePostgres(self._home.postgres)
        self._hold_postgres()
        self.postgres.create_database(DATABASE)

    def _hold_postgres(self) -> None:
        assert self.postgres is not None
        # Postgres treats SIGINT as a fast shutdown: end all sessions, flush, exit.
        self._watchdog.hold(self.postgres.pid, by=signal.SIGINT)

    def _hold_redis(self) -> None:
        assert self.redis is not None
        self._watchdog.hold(self.redis.pid, by=signal.SIGTERM)
