"""A zoo with an open gRPC door for every test, with a key for everything."""

from collections.abc import Iterator

import pytest

from service.container import Zoo
from service.core.operations.access import keys
from tests.rpc.channels import Dialled, listening


@pytest.fixture
def dialled(zoo: Zoo) -> Iterator[Dialled]:
    """The test's zoo behind a socket."""
    with zoo.transaction() as session:
        first = keys.issue_first(session)
    assert first is not None
    with listening(zoo) as address:
        dialled = Dialled(zoo, address, first.token)
        yield dialled
        dialled.channel.close()
