"""A cluster of real processes for the fault tests: broker, scheduler, workers, and long jobs."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from service.container import zoo_from
from service.embedded.postgres import PrivatePostgres
from service.migrate import migrate
from service.settings import Settings
from tests.jobs.cluster import QUICK, TestCluster
from tests.jobs.processes import zoo_processes


@pytest.fixture(scope="module")
def cluster() -> Iterator[TestCluster]:
    """Redis, a scheduler and a worker with short leases, on a Postgres of their own."""
    # Not below pytest's own folder: the database runs as another user, who must reach it.
    with (
        TemporaryDirectory(prefix="zoo-cluster-") as name,
        PrivatePostgres(Path(name) / "postgres") as postgres,
    ):
        folder = Path(name)
        postgres.create_database("zooscope")
        with zoo_processes(folder / "processes", postgres.url(), **QUICK) as processes:
            zoo = zoo_from(
                Settings(home=folder / "processes" / "home", database_url=postgres.url())
            )
            migrate(zoo.engine)
            cluster = TestCluster(zoo, processes, postgres)
            cluster.bootstrap()
            yield cluster
        zoo.close()
