"""A town of real processes for the fault tests: broker, scheduler, workers, and long jobs."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from service.container import zoo_from
from service.embedded.postgres import PrivatePostgres
from service.migrate import migrate
from service.settings import Settings
from tests.jobs.cluster import QUICK, TestCluster
from tests.jobs.processes import hall_of


@pytest.fixture(scope="module")
def cluster() -> Iterator[TestCluster]:
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
            cluster = TestCluster(zoo, hall, postgres)
            cluster.settle()
            yield cluster
        zoo.close()
