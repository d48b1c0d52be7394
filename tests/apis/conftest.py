"""A zoo with both APIs."""

from collections.abc import Iterator

import pytest

from service.container import Zoo
from service.core.operations.access import keys
from tests.apis.both_apis import Apis
from tests.apis.scenario import GrpcApi, RestApi
from tests.rest.served import client_of, serving
from tests.rpc.channels import Dialled, listening


@pytest.fixture
def apis(zoo: Zoo) -> Iterator[Apis]:
    """A zoo served by REST and by gRPC, each over a socket."""
    with zoo.transaction() as session:
        first = keys.issue_first(session)
    assert first is not None
    with serving(zoo) as url, listening(zoo) as address, client_of(url, first.token) as client:
        dialled = Dialled(zoo, address, first.token)
        yield Apis(zoo, RestApi(client), GrpcApi(dialled))
        dialled.channel.close()
