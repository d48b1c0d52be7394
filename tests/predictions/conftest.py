"""A broker, and a zoo that answers predictions over every API, for the tests of a module."""

from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from service.adapters import predict_queue, worker_registry
from service.container import Zoo, zoo_from
from service.core.operations.access import keys
from service.embedded.redis import PrivateRedis
from tests.predictions.every_api import EveryApi
from tests.predictions.test_predictions import started
from tests.rest.served import client_of, serving
from tests.rpc.channels import Dialled, listening
from tests.waiting import HANG_SECONDS
from tests.zooscope.cli.shells import Shell
from workers.isolation.fork_client import ForkServerClient
from zooscope import ZooClient


@pytest.fixture(scope="module", autouse=True)
def _lasting_presence() -> Iterator[None]:
    """A worker of a busy machine counts as present although it is late to say so again."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (predict_queue, worker_registry):
            patch.setattr(module, "PRESENCE_SECONDS", int(HANG_SECONDS))
        yield


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateRedis]:
    server = PrivateRedis(tmp_path_factory.mktemp("redis"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def apis(
    shared_zoo: Zoo,
    fork_server: ForkServerClient,
    redis: PrivateRedis,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[EveryApi]:
    """One zoo with a worker behind all APIs."""
    folder = tmp_path_factory.mktemp("apis")
    settings = shared_zoo.settings.model_copy(update={"redis_url": SecretStr(redis.url)})
    zoo = zoo_from(settings)
    with zoo.transaction() as session:
        token = keys.issue(session, project="default", name="a key", scopes=["admin"]).token
    with (
        started(zoo, fork_server, redis),
        serving(zoo) as url,
        listening(zoo) as address,
        client_of(url, token) as rest,
        ZooClient(url, key=token) as zoo_client,
    ):
        stubs = Dialled(zoo, address, token)
        shell = Shell(url, token, folder / "home")
        yield EveryApi(zoo, rest, zoo_client, shell, stubs, folder)
        stubs.channel.close()
    zoo.close()
