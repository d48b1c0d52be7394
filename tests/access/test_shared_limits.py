"""Wrong keys and requests are counted by all APIs of a zoo together, before the database is asked."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace

import grpc
import httpx
import pytest
from redis import Redis
from sqlalchemy import event

from service.adapters.request_counts import RedisCounts
from service.container import Zoo
from service.core.operations.access import keys
from service.embedded.redis import PrivateRedis
from service.rpc.stubs.zoo.v1 import model_service_pb2, model_service_pb2_grpc
from tests.rest.served import client_of, serving
from tests.rpc.channels import channel_to, listening, refusal_in
from tests.waiting import HANG_SECONDS

WRONG = "zoo_01KZZZZZZZZZZZZZZZZZZZZZZZ_" + "x" * 43
LIST = model_service_pb2.ListModelsRequest()


def token_for(zoo: Zoo, *scopes: str) -> str:
    with zoo.transaction() as session:
        return keys.issue(
            session, project="default", name="a key", scopes=scopes or ["read"]
        ).token


def status(url: str, token: str, **headers: str) -> int:
    return answer(url, token, **headers).status_code


def answer(url: str, token: str, **headers: str) -> httpx.Response:
    with client_of(url, token) as client:
        return client.get("/v1/models", headers=headers)


@contextmanager
def statements(zoo: Zoo) -> Iterator[list[str]]:
    """The statements that reach the database during the block, but for the log of refusals."""
    sent: list[str] = []

    def note(_connection, _cursor, statement, *_rest) -> None:
        if not statement.startswith("INSERT INTO audit"):
            sent.append(statement)

    event.listen(zoo.engine, "before_cursor_execute", note)
    yield sent
    event.remove(zoo.engine, "before_cursor_execute", note)


def call_with(address: str, token: str) -> grpc.RpcError | None:
    """The error of a call; None if it succeeds."""
    with channel_to(address, token) as channel:
        try:
            model_service_pb2_grpc.ModelServiceStub(channel).ListModels(LIST, timeout=HANG_SECONDS)
        except grpc.RpcError as error:
            return error
    return None


def test_wrong_keys_beyond_the_limit_are_refused_without_asking_the_database(strict_zoo: Zoo):
    with serving(strict_zoo) as url:
        before = [status(url, WRONG) for _ in range(2)]

        with statements(strict_zoo) as sent:
            refused = answer(url, WRONG)

    assert before == [401, 401]
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_wrong_keys")
    assert refused.json()["remedy"]
    assert 0 < int(refused.headers["Retry-After"]) <= 86_400
    assert sent == []


@pytest.mark.parametrize("token", ["fox", "zoo_", "zoo_1_2", WRONG])
def test_every_kind_of_wrong_key_counts(strict_zoo: Zoo, token: str):
    with serving(strict_zoo) as url:
        assert [status(url, token) for _ in range(3)] == [401, 401, 429]


def test_all_processes_of_both_apis_count_wrong_keys_together(strict_zoo: Zoo):
    with serving(strict_zoo) as first, serving(strict_zoo) as second, listening(strict_zoo) as rpc:
        assert [status(first, WRONG), status(second, WRONG)] == [401, 401]

        assert [status(first, WRONG), status(second, WRONG)] == [429, 429]
        error = call_with(rpc, WRONG)

    assert error is not None
    refused = refusal_in(error)
    assert (refused.status, refused.code) == (
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        "too_many_wrong_keys",
    )
    waits = dict(error.trailing_metadata())["retry-after"]
    assert 0 < int(waits) <= 86_400


def test_wrong_keys_of_others_do_not_lock_out_a_key_known_to_this_process(strict_zoo: Zoo):
    token, other = token_for(strict_zoo), token_for(strict_zoo)
    with serving(strict_zoo) as url:
        assert status(url, token) == 200
        for _ in range(2):
            status(url, WRONG)

        assert status(url, token) == 200
        assert status(url, other) == 429


def test_a_client_cannot_choose_the_address_that_is_counted(strict_zoo: Zoo):
    with serving(strict_zoo) as url:
        spoofed = [
            status(url, WRONG, **{"X-Forwarded-For": f"192.0.2.{number}"}) for number in range(3)
        ]

    assert spoofed == [401, 401, 429]


def test_clients_of_a_trusted_proxy_are_counted_one_by_one(strict_zoo: Zoo):
    settings = strict_zoo.settings.model_copy(update={"trusted_proxies": "127.0.0.0/8"})
    with serving(replace(strict_zoo, settings=settings)) as url:
        behind_proxy = {"X-Forwarded-For": "203.0.113.9, 192.0.2.1"}
        assert [status(url, WRONG, **behind_proxy) for _ in range(3)] == [401, 401, 429]

        assert status(url, WRONG, **{"X-Forwarded-For": "192.0.2.2"}) == 401


def test_all_processes_of_both_apis_count_the_requests_of_a_key_together(strict_zoo: Zoo):
    token = token_for(strict_zoo)
    with serving(strict_zoo) as first, serving(strict_zoo) as second, listening(strict_zoo) as rpc:
        allowed = [status(first, token), status(second, token), status(first, token)]
        fourth = call_with(rpc, token)

        refused = answer(second, token)
        error = call_with(rpc, token)

    assert (allowed, fourth) == ([200, 200, 200], None)
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert int(refused.headers["Retry-After"]) > 5
    assert error is not None
    assert refusal_in(error).code == "rate_limited"
    assert "retry-after" in dict(error.trailing_metadata())


def test_redis_holds_neither_keys_nor_their_digests(strict_zoo: Zoo, redis: PrivateRedis):
    token = token_for(strict_zoo)
    with serving(strict_zoo) as url:
        assert [status(url, token), status(url, WRONG)] == [200, 401]

    with Redis.from_url(redis.url) as client:
        names = sorted(name.decode() for name in client.scan_iter())
    ulid = token.split("_")[1]
    assert names == [f"zoo:count:requests:key_{ulid}", "zoo:count:wrong-keys:127.0.0.1"]


@contextmanager
def stopped(redis: PrivateRedis) -> Iterator[None]:
    redis.stop()
    yield


@contextmanager
def hung(redis: PrivateRedis) -> Iterator[None]:
    os.kill(redis.pid, signal.SIGSTOP)
    yield
    os.kill(redis.pid, signal.SIGCONT)


@pytest.mark.parametrize("redis_patience", [0.5])
@pytest.mark.parametrize("away", [stopped, hung])
def test_without_redis_each_process_limits_on_its_own(
    strict_zoo: Zoo,
    redis: PrivateRedis,
    away: Callable[[PrivateRedis], AbstractContextManager[None]],
):
    token = token_for(strict_zoo)
    with serving(strict_zoo) as first, serving(strict_zoo) as second, away(redis):
        assert [status(first, token) for _ in range(5)] == [200, 200, 200, 200, 429]
        assert [status(first, WRONG) for _ in range(3)] == [401, 401, 429]
        assert [status(second, WRONG) for _ in range(3)] == [401, 401, 429]


def test_a_revoked_key_is_refused_at_once_by_processes_that_have_cached_it(strict_zoo: Zoo):
    admin = token_for(strict_zoo, "admin")
    with serving(strict_zoo) as first, serving(strict_zoo) as second, listening(strict_zoo) as rpc:
        with client_of(first, admin) as client:
            created = client.post("/v1/keys", json={"name": "ci", "scopes": ["read"]}).json()
            assert status(second, created["token"]) == 200
            assert call_with(rpc, created["token"]) is None

            client.delete(f"/v1/keys/{created['id']}")

        assert status(second, created["token"]) == 401
        error = call_with(rpc, created["token"])

    assert error is not None
    assert refusal_in(error).code == "unauthenticated"


@pytest.mark.parametrize("foreign", ["text", "set"])
def test_a_count_that_is_none_is_replaced(redis: PrivateRedis, foreign: str):
    counts = RedisCounts(redis.url)
    with Redis.from_url(redis.url) as client:
        for name in ("a", "b"):
            if foreign == "set":
                client.sadd(f"zoo:count:{name}", "of somebody else")
            else:
                client.set(f"zoo:count:{name}", "of somebody else")

    assert counts.add("a", seconds=60).number == 1
    assert counts.read("b").number == 0
