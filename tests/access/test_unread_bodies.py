"""A request without a key that allows it is refused before any byte of its body arrives."""

import json
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from http.client import HTTPResponse
from threading import Event
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import grpc
import httpx
import pytest
from google.protobuf.descriptor_pool import Default

from service.container import Zoo
from service.core.operations.access import keys
from service.rest.app import create_app
from service.rpc.server import SERVICES
from tests.apis.writing_calls import OF_BROWSERS
from tests.rest.served import serving
from tests.rpc.channels import channel_to, listening, refusal_in
from tests.waiting import HANG_SECONDS

WRONG = "zoo_01KZZZZZZZZZZZZZZZZZZZZZZZ_" + "x" * 43
ANNOUNCED = f"Content-Length: {10**12}"
CHUNKED = "Transfer-Encoding: chunked"
READING = ("get", "head", "options")


class Operation(NamedTuple):
    method: str
    path: str
    media_type: str


@pytest.fixture(scope="module")
def zoo(shared_zoo: Zoo) -> Zoo:
    """A zoo that never tires of wrong keys."""
    settings = shared_zoo.settings.model_copy(update={"wrong_key_limit": "1000000/day"})
    return replace(shared_zoo, settings=settings)


@pytest.fixture(scope="module")
def url(zoo: Zoo) -> Iterator[str]:
    with serving(zoo) as url:
        yield url


def operations(zoo: Zoo) -> list[Operation]:
    """Every operation below /v1 with every type of body that it takes, from the OpenAPI document."""
    document = create_app(zoo).openapi()
    return [
        Operation(method, _with_ids(path), media_type)
        for path, methods in document["paths"].items()
        if path.startswith("/v1/")
        for method, operation in methods.items()
        for media_type in operation.get("requestBody", {}).get("content", {"": None})
    ]


def _with_ids(path: str) -> str:
    ids = {"index": "0", "position": "0", "name": "depara"}
    for part in path.split("{")[1:]:
        name = part.split("}")[0]
        path = path.replace("{" + name + "}", ids.get(name, "mdl_0"))
    return path


@contextmanager
def sending(url: str, operation: Operation, *, token: str, body: str) -> Iterator[socket.socket]:
    """A connection over which the head of a request was sent, and nothing of its body."""
    address = urlsplit(url)
    head = (
        f"{operation.method.upper()} {operation.path} HTTP/1.1",
        f"Host: {address.netloc}",
        f"Authorization: Bearer {token}",
        f"Content-Type: {operation.media_type or 'application/json'}; boundary=x",
        body,
        "",
        "",
    )
    with socket.create_connection((address.hostname, address.port), HANG_SECONDS) as connection:
        connection.sendall("\r\n".join(head).encode())
        yield connection


def answer_on(connection: socket.socket, operation: Operation) -> tuple[int, dict[str, Any]]:
    """Status and problem that the server sends before the body."""
    with closing(HTTPResponse(connection, method=operation.method.upper())) as response:
        response.begin()
        body = response.read()
        return response.status, json.loads(body) if body else {}


@pytest.mark.parametrize("body", [ANNOUNCED, CHUNKED])
def test_no_operation_reads_a_body_before_it_knows_the_key(zoo: Zoo, url: str, body: str):
    answers = {}
    for operation in operations(zoo):
        with sending(url, operation, token=WRONG, body=body) as connection:
            answers[operation] = answer_on(connection, operation)[0]

    assert len(answers) > 40
    assert set(answers.values()) == {401}, answers


def test_no_operation_reads_a_body_before_it_knows_the_scopes_of_the_key(zoo: Zoo, url: str):
    with zoo.transaction() as session:
        reader = keys.issue(session, project="default", name="a reader", scopes=["read"]).token
    changing = [
        operation
        for operation in operations(zoo)
        if operation.method not in READING
        and not operation.path.endswith(":predict")
        # Any key may sign in, and these take no body.
        and operation.path not in OF_BROWSERS
    ]

    answers = {}
    for operation in changing:
        with sending(url, operation, token=reader, body=CHUNKED) as connection:
            answers[operation] = answer_on(connection, operation)

    assert len(answers) > 20
    assert {status for status, _ in answers.values()} == {403}, answers
    assert {problem["code"] for _, problem in answers.values()} == {"forbidden"}


def test_unfinished_bodies_with_wrong_keys_keep_nobody_waiting(url: str):
    jobs = Operation("post", "/v1/jobs", "application/json")
    with sending(url, jobs, token=WRONG, body=ANNOUNCED) as connection:
        connection.sendall(b'{"method": "' + b"x" * 60_000)

        assert httpx.get(f"{url}/healthz", timeout=HANG_SECONDS).status_code == 200
        assert answer_on(connection, jobs)[0] == 401


def calls() -> list[Any]:
    return [method for name in SERVICES for method in Default().FindServiceByName(name).methods]


@pytest.mark.parametrize("call", calls(), ids=lambda call: call.full_name)
def test_no_rpc_waits_for_a_message_before_it_knows_the_key(zoo: Zoo, call: Any):
    end = Event()

    def no_messages() -> Iterator[bytes]:
        end.wait(HANG_SECONDS)
        yield from ()

    with listening(zoo) as address, channel_to(address) as channel:
        path = f"/{call.containing_service.full_name}/{call.name}"
        started = channel.stream_stream(path)(
            no_messages(),
            metadata=[("authorization", f"Bearer {WRONG}")],
            timeout=HANG_SECONDS,
        )
        with pytest.raises(grpc.RpcError) as refused:
            next(started)
        end.set()

    assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED
    assert refusal_in(refused.value).code == "unauthenticated"


def test_a_message_that_is_none_is_refused_as_the_callers_mistake(zoo: Zoo):
    with zoo.transaction() as session:
        token = keys.issue(session, project="default", name="a key", scopes=["read"]).token
    metadata = [("authorization", f"Bearer {token}")]
    with listening(zoo) as address, channel_to(address) as channel:
        call = channel.unary_unary("/zoo.v1.ModelService/GetModel")
        with pytest.raises(grpc.RpcError) as malformed:
            call(b"\xff\xff", metadata=metadata, timeout=HANG_SECONDS)
        with pytest.raises(grpc.RpcError) as missing:
            channel.stream_unary("/zoo.v1.ModelService/GetModel")(
                iter(()), metadata=metadata, timeout=HANG_SECONDS
            )

    assert refusal_in(malformed.value).code == "malformed_message"
    assert refusal_in(missing.value).code == "message_missing"
