"""Real parts, small: one private Postgres for the session, one empty database for each test."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest
import structlog
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from service.container import Zoo, zoo_from
from service.embedded.postgres import PrivatePostgres
from service.settings import Settings
from tests.databases import MigratedDatabases
from tests.rest.served import a_dataset, a_model
from tests.slowest_files import SLOWEST_FIRST
from tests.waiting import HANG_SECONDS
from workers.isolation.fork_client import ForkServerClient

# Errors are logged as the service logs them. Without this, their traces show every local value,
# which takes half a minute for a file of a few megabytes.
structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
        structlog.processors.format_exc_info,
        structlog.dev.ConsoleRenderer(colors=False),
    ]
)

# How long an example takes says how busy the machine is.
hypothesis_settings.register_profile(
    "whenever", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("whenever")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the slowest files first, so that none of them begins when all others are done."""
    tests = Path(__file__).parent
    ranks = {tests / name: rank for rank, name in enumerate(SLOWEST_FIRST)}
    slow = {item.path for item in items if item.get_closest_marker("slow") is not None}
    ranks = dict.fromkeys(slow, len(SLOWEST_FIRST)) | ranks
    items.sort(key=lambda item: ranks.get(item.path, len(SLOWEST_FIRST) + 1))


def _forget_power_cuts(server: PrivatePostgres) -> None:
    """Let the server wait for no disk and tidy nothing up: a test empties what it has used."""
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes", "autovacuum"):
            connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")


@pytest.fixture(scope="session")
def databases() -> Iterator[MigratedDatabases]:
    """Migrated databases to lend, on a server of this session."""
    # Not below pytest's own folder, which the other user that the database may run as cannot reach.
    with TemporaryDirectory(prefix="zoo-") as folder, PrivatePostgres(Path(folder)) as server:
        _forget_power_cuts(server)
        yield MigratedDatabases(server)


@pytest.fixture(scope="session")
def postgres(databases: MigratedDatabases) -> PrivatePostgres:
    """The server, whose database ``template`` holds the migrated tables."""
    return databases.server


def _settings(database_url: str, folder: Path) -> Settings:
    return Settings(
        home=folder / "home",
        database_url=database_url,  # type: ignore[arg-type]
        predict_timeout_seconds=HANG_SECONDS,
    )


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that the database's user can reach; every session of pytest closes pytest's own."""
    with TemporaryDirectory(prefix="zoo-") as folder:
        yield Path(folder)


@pytest.fixture
def database_url(databases: MigratedDatabases) -> Iterator[str]:
    """The address of a migrated database without rows."""
    with databases.lent() as url:
        yield url


@pytest.fixture
def zoo_settings(database_url: str, tmp_path: Path) -> Settings:
    """Settings of a zoo that lives in the test's own folder and database."""
    return _settings(database_url, tmp_path)


@pytest.fixture
def zoo(zoo_settings: Settings) -> Iterator[Zoo]:
    """A zoo with a real database and a real store, and no other process."""
    zoo = zoo_from(zoo_settings)
    yield zoo
    zoo.close()


@pytest.fixture(scope="session")
def fork_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkServerClient]:
    """A fork server for all tests that leave it running; its first start imports torch."""
    fork_server = ForkServerClient(tmp_path_factory.mktemp("cache"))
    yield fork_server
    fork_server.close()


@pytest.fixture
def measurable(zoo: Zoo) -> None:
    """The model ``mdl_1`` and the dataset ``dst_1``, which the jobs of many tests name."""
    with zoo.transaction() as session:
        a_model(session, id="mdl_1")
        a_dataset(zoo, session, id="dst_1")


@pytest.fixture(scope="module")
def shared_zoo(
    databases: MigratedDatabases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Zoo]:
    """The same for all tests of a module, which leave behind only what disturbs no other."""
    with databases.lent() as url:
        zoo = zoo_from(_settings(url, tmp_path_factory.mktemp("zoo")))
        yield zoo
        zoo.close()
