"""Real parts, small: one private Postgres for the session, one fresh database for each test."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from sqlalchemy import create_engine

from service.container import Zoo, zoo_from
from service.embedded.postgres import PrivatePostgres
from service.migrate import migrate
from service.settings import Settings
from tests.waiting import HANG_SECONDS

_numbers = count(1)

# How long an example takes says how busy the machine is.
hypothesis_settings.register_profile(
    "whenever", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("whenever")


def _forget_power_cuts(server: PrivatePostgres) -> None:
    """Let the server wait for no disk: its databases live as long as one test each."""
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PrivatePostgres]:
    """A running Postgres whose database ``template`` holds the migrated tables."""
    # Not below pytest's own folder, which the other user that the database may run as cannot reach.
    with TemporaryDirectory(prefix="zoo-") as folder, PrivatePostgres(Path(folder)) as server:
        _forget_power_cuts(server)
        server.create_database("template")
        engine = create_engine("postgresql+psycopg://" + server.url("template").split("://", 1)[1])
        migrate(engine)
        engine.dispose()
        yield server


@contextmanager
def _fresh_database(postgres: PrivatePostgres) -> Iterator[str]:
    """The address of a migrated database that is dropped in the end."""
    name = f"test_{next(_numbers)}"
    postgres.create_database(name, template="template")
    yield postgres.url(name)
    postgres.drop_database(name)


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
def database_url(postgres: PrivatePostgres) -> Iterator[str]:
    """The address of a fresh migrated database, dropped after the test."""
    with _fresh_database(postgres) as url:
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


@pytest.fixture(scope="module")
def shared_zoo(
    postgres: PrivatePostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Zoo]:
    """The same for all tests of a module, which leave behind only what disturbs no other."""
    with _fresh_database(postgres) as url:
        zoo = zoo_from(_settings(url, tmp_path_factory.mktemp("zoo")))
        yield zoo
        zoo.close()
