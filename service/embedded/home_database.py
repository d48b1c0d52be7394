"""The database of a home folder for a command that needs nothing else of the zoo."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import SecretStr

from service.embedded.home import Home
from service.embedded.postgres import DATABASE, PrivatePostgres, running_url
from service.embedded.watchdog import Watchdog
from service.settings import Settings


@contextmanager
def with_database(settings: Settings, home: Home) -> Iterator[Settings]:
    """Settings with the address of a database that answers during the block.

    It is the configured one, that of the zoo that runs in the home folder, or else a private server
    of this process. While the latter runs, no zoo can start in the folder.
    """
    if settings.database_url is not None:
        yield settings
    elif home.running() is not None:
        yield _at(running_url(home.postgres), settings)
    else:
        with home.claimed() as lock, _server(home, lock) as server:
            yield _at(server.url(), settings)


def _at(url: str, settings: Settings) -> Settings:
    return settings.model_copy(update={"database_url": SecretStr(url)})


@contextmanager
def _server(home: Home, lock: int) -> Iterator[PrivatePostgres]:
    """A private server that stops with this process, however that ends."""
    watchdog = Watchdog(inherit=(lock,))
    try:
        with PrivatePostgres(home.postgres) as server:
            watchdog.hold(server.pid, by=signal.SIGINT)
            server.create_database(DATABASE)
            yield server
        watchdog.release(server.pid)
    finally:
        watchdog.close()
