"""A town of real processes for the fault tests: broker, scheduler, workers, and long jobs."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from service.embedded.postgres import PrivatePostgres
from service.migrating import migrate
from service.settings import Settings
from service.wiring import zoo_from
from tests.jobs.processes import hall_of
from tests.jobs.town import QUICK, Town


@pytest.fixture(scope="module")
def town() -> Iterator[Town]:
    """Redis, a scheduler and a worker with short leases, on a Postgres of their own."""
    # Not below pytest's own folder: the database runs as another user, who must reach it.
    with (
        TemporaryDirectory(prefix="zoo-town-") as name,
        PrivatePostgres(Path(name) / "postgres") as postgres,
    ):
        folder = Path(name)
        postgres.create_database("zooscope")
        with hall_of(folder / "hall", postgres.url(), **QUICK) as hall:
            zoo = zoo_from(Settings(home=folder / "hall" / "home", database_url=postgres.url()))
            migrate(zoo.engine)
            town = Town(zoo, hall, postgres)
            town.settle()
            yield town
        zoo.close()
