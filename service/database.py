"""The engine of a zoo's database, and the watch that keeps a silent server from holding requests.

A server that is stopped, or whose machine is gone, answers nothing and closes nothing, and its own
time limits no longer apply. Therefore every wait for it is limited here as well.
"""

import math
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
import structlog
from psycopg.errors import ConnectionTimeout
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url

RETRY_SECONDS = 1.0
_KEEPALIVES = 3
_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class DatabaseLimits:
    """How long a process waits for the database, in seconds.

    ``answer`` is how long a silent server is waited for; ``statement`` and ``lock`` are limits that
    a server keeps which does answer.
    """

    answer: float
    statement: float
    lock: float

    @property
    def patience(self) -> float:
        """Time for one attempt: half for a statement or a connection, half for the check of it."""
        return self.answer / 2


class DatabaseWatch:
    """Whether the database answers; a thread finds out after somebody has waited too long."""

    def __init__(self, url: str, limits: DatabaseLimits) -> None:
        self.limits = limits
        self._url = make_url(url).set(drivername="postgresql")
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._checked_at = -math.inf
        self._is_away = False

    @property
    def is_away(self) -> bool:
        """Whether the last check found a server that does not answer."""
        return self._is_away

    def require(self) -> None:
        """Raise OperationalError if the database is away."""
        if self._is_away:
            raise silent()

    def check(self) -> None:
        """Start a check in the background, unless one runs or has just ended."""
        with self._lock:
            runs = self._thread is not None and self._thread.is_alive()
            if runs or time.monotonic() - self._checked_at < self.limits.patience:
                return
            self._thread = threading.Thread(target=self._run, name="database", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        """Check until the database answers."""
        while not self._answers():
            if not self._is_away:
                _log.error("database_silent", seconds=self.limits.patience)
            self._is_away = True
            time.sleep(RETRY_SECONDS)
        if self._is_away:
            _log.info("database_answers")
        self._is_away = False
        self._checked_at = time.monotonic()

    def _answers(self) -> bool:
        """Whether the server responds to a new connection, be it with a refusal."""
        address = self._url.render_as_string(hide_password=False)
        try:
            psycopg.connect(address, **connection_options(self.limits)).close()
        except ConnectionTimeout:
            return False
        except psycopg.OperationalError:
            return True
        return True


class WatchedConnection(psycopg.Connection[Any]):
    """A connection that no wait holds longer than the database is known to answer."""

    watch: DatabaseWatch | None = None
    longest_seconds = math.inf

    def wait(self, gen: Generator[Any, Any, Any], *args: Any, **options: Any) -> Any:
        """What ``gen`` returns. Raises OperationalError if the server does not answer."""
        return super().wait(self._watched(gen), *args, **options)

    def _watched(self, steps: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        """The same steps; psycopg reports every moment in which the server was silent."""
        started = time.monotonic()
        try:
            step = next(steps)
            while True:
                ready = yield step
                if not ready and self.watch is not None:
                    self._require_answer(self.watch, time.monotonic() - started)
                step = steps.send(ready)
        except StopIteration as end:
            return end.value

    def _require_answer(self, watch: DatabaseWatch, waited_seconds: float) -> None:
        """Have a wait that lasts too long checked; close the connection of one that is hopeless."""
        if watch.is_away or waited_seconds > self.longest_seconds:
            self.pgconn.finish()
            raise silent()
        if waited_seconds > watch.limits.patience:
            watch.check()


def silent() -> psycopg.OperationalError:
    """The error for a server that does not answer."""
    return psycopg.OperationalError("the database does not answer")


def connection_options(limits: DatabaseLimits) -> dict[str, Any]:
    """Options of libpq that end connection attempts, and connections to a machine that is gone."""
    seconds = int(limits.patience)
    return {
        "connect_timeout": seconds,
        "keepalives_idle": seconds,
        "keepalives_interval": max(1, seconds // _KEEPALIVES),
        "keepalives_count": _KEEPALIVES,
        "tcp_user_timeout": 1000 * seconds,
    }


def engine_for(url: str, limits: DatabaseLimits, *, connections: int) -> Engine:
    """An engine with at most ``connections``, each with these limits."""
    engine = create_engine(
        url,
        pool_size=connections,
        max_overflow=0,
        pool_pre_ping=True,
        pool_timeout=limits.answer,
        connect_args=connection_options(limits),
    )
    watch = DatabaseWatch(url, limits)

    @event.listens_for(engine, "do_connect")
    def connect(
        _dialect: object, _record: object, arguments: Any, options: Any
    ) -> WatchedConnection:
        watch.require()
        try:
            connection = WatchedConnection.connect(*arguments, **options)
        except ConnectionTimeout:
            watch.check()
            raise
        connection.watch = watch
        _limit(connection, limits)
        return connection

    return engine


def _limit(connection: WatchedConnection, limits: DatabaseLimits) -> None:
    """Set the limits of the server, and the moment after which it has failed to keep them."""
    connection.longest_seconds = limits.statement + limits.answer
    connection.execute(
        "SELECT set_config('statement_timeout', %s, false), set_config('lock_timeout', %s, false)",
        [_milliseconds(limits.statement), _milliseconds(limits.lock)],
    )
    connection.commit()


def _milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:.0f}ms"


@contextmanager
def unlimited(connection: Connection) -> Iterator[None]:
    """Statements of the transaction may take any time while the block runs, if the database answers."""
    driver: Any = connection.connection.driver_connection
    longest_seconds = getattr(driver, "longest_seconds", math.inf)
    driver.longest_seconds = math.inf
    connection.execute(text("SET LOCAL statement_timeout = 0"))
    connection.execute(text("SET LOCAL lock_timeout = 0"))
    try:
        yield
    finally:
        driver.longest_seconds = longest_seconds
