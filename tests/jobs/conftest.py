"""A cluster of real processes for the fault tests: broker, scheduler, workers, and long jobs."""

from collections.abc import Iterator

import pytest

from tests.jobs.cluster import QUICK, TestCluster, running_cluster


@pytest.fixture(scope="module")
def cluster() -> Iterator[TestCluster]:
    """Redis, a scheduler and a worker that look for lost jobs often, on a Postgres of their own."""
    with running_cluster(**QUICK) as cluster:
        yield cluster
