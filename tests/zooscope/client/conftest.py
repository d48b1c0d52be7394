"""A client of a served zoo with a database of its own."""

from collections.abc import Iterator

import pytest

from service.container import Zoo
from service.core.operations.access import keys
from tests.rest.served import serving
from zooscope.client import RetryPolicy, ZooClient

QUICK = RetryPolicy(attempts=6, first_seconds=0.01, largest_seconds=0.05)


@pytest.fixture
def url(zoo: Zoo) -> Iterator[str]:
    """The address of the test's zoo."""
    with serving(zoo) as url:
        yield url


@pytest.fixture
def key(zoo: Zoo) -> str:
    """A key for everything."""
    with zoo.transaction() as session:
        issued = keys.issue_first(session)
    assert issued is not None
    return issued.token


@pytest.fixture
def client(url: str, key: str) -> Iterator[ZooClient]:
    """A client with a fast retry policy."""
    with ZooClient(url, key=key, retry_policy=QUICK) as client:
        yield client
