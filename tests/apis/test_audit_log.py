"""Every writing call leaves exactly one row in the audit log, over REST and over gRPC.

Generated from the OpenAPI document and from the descriptors, so that a new route or RPC is covered.
"""

import secrets
from collections import Counter
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from sqlalchemy import select

from service import audit_trail
from service.container import Zoo
from service.core.operations.access import keys
from service.core.tables import AuditRecord
from tests.apis.writing_calls import (
    CALLS,
    OF_BROWSERS,
    ROUTES,
    WritingRequest,
    messages_for,
    writing_routes,
    writing_rpcs,
)
from tests.rest.served import PROJECT, client_of, serving
from tests.rpc.channels import channel_to, listening
from tests.waiting import HANG_SECONDS, eventually


@pytest.fixture
def token(zoo: Zoo) -> str:
    """A key for everything."""
    with zoo.transaction() as session:
        return keys.issue(session, project=PROJECT, name="all", scopes=["admin", "operator"]).token


@pytest.fixture(autouse=True)
def _a_row_for_every_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    """This test refuses many calls of one address at once; a flood is tested elsewhere."""
    monkeypatch.setattr(audit_trail, "ROWS_PER_BURST", 10_000)


def rows(zoo: Zoo) -> list[AuditRecord]:
    with zoo.transaction() as session:
        return list(session.scalars(select(AuditRecord).order_by(AuditRecord.seq)))


def recorded(zoo: Zoo, traces: dict[str, str]) -> dict[str, AuditRecord]:
    """The one row of each trace, by what was called."""
    eventually(lambda: {row.trace_id for row in rows(zoo)} >= set(traces))
    log = [row for row in rows(zoo) if row.trace_id in traces]
    assert Counter(row.trace_id for row in log) == dict.fromkeys(traces, 1)
    return {traces[str(row.trace_id)]: row for row in log}


def traced() -> tuple[str, dict[str, str]]:
    """A new trace id and the header that sends it."""
    trace_id = secrets.token_hex(16)
    return trace_id, {"traceparent": f"00-{trace_id}-{secrets.token_hex(8)}-01"}


def made(zoo: Zoo, requests: dict[str, Any], name: str) -> WritingRequest:
    """The request of a call that succeeds."""
    with zoo.transaction() as session:
        return requests[name](zoo, session)


def test_every_writing_route_leaves_one_row_when_it_succeeds(zoo: Zoo, token: str):
    traces, answered = {}, {}

    with serving(zoo) as url, client_of(url, token) as client:
        for route in writing_routes(zoo):
            method, path = route.split(" ")
            request = made(zoo, ROUTES, route)
            trace_id, header = traced()
            traces[trace_id] = route
            headers = {**header, **request.rest.get("headers", {})}
            options = {**request.rest, "headers": headers}
            answered[route] = client.request(method, path.format(**request.path), **options)
        log = recorded(zoo, traces)

    assert {r: a.text for r, a in answered.items() if a.status_code >= 300} == {}
    for route, row in log.items():
        assert (row.code, row.api, row.address) == (None, "rest", "127.0.0.1")
        assert row.project == PROJECT
        assert str(row.key_id).startswith("key_")
        assert row.ids, route


def test_every_writing_route_leaves_one_row_when_it_is_refused(zoo: Zoo, token: str):
    traces = {}

    with serving(zoo) as url, client_of(url, token) as client:
        for route in writing_routes(zoo):
            method, path = route.split(" ")
            if path in OF_BROWSERS:
                continue
            trace_id, header = traced()
            traces[trace_id] = route
            ids = dict.fromkeys(("model_id", "dataset_id", "upload_id", "job_id"), "mdl_0")
            ids |= {"accuracy_id": "acc_0", "key_id": "key_0", "project": "default"}
            ids["alias"] = "prod"
            client.request(method, path.format(**ids), headers=header, content=b"{")
        log = recorded(zoo, traces)

    assert [route for route, row in log.items() if row.code is None] == []


def call_rpc(
    channel: grpc.Channel, call: Any, messages: Any, header: dict[str, str]
) -> str | None:
    """The details of the error that ends a call; None if it succeeds."""
    path = f"/{call.containing_service.full_name}/{call.name}"
    dial = channel.stream_unary if call.client_streaming else channel.unary_unary
    ask = dial(path, lambda sent: sent.SerializeToString(), lambda answer: answer)
    try:
        ask(messages, timeout=HANG_SECONDS, metadata=list(header.items()))
    except grpc.RpcError as error:
        return f"{error.code()} {error.details()}"
    return None


@pytest.fixture
def channel(zoo: Zoo, token: str) -> Iterator[grpc.Channel]:
    """A channel with a key for everything."""
    with listening(zoo) as address, channel_to(address, token) as channel:
        yield channel


def test_every_writing_rpc_leaves_one_row_when_it_succeeds(zoo: Zoo, channel: grpc.Channel):
    traces, refused = {}, {}

    for call in writing_rpcs():
        request = made(zoo, CALLS, call.name)
        trace_id, header = traced()
        traces[trace_id] = call.name
        refused[call.name] = call_rpc(channel, call, messages_for(call, request), header)
    log = recorded(zoo, traces)

    assert {name: error for name, error in refused.items() if error} == {}
    for name, row in log.items():
        assert (row.code, row.api, row.address) == (None, "grpc", "127.0.0.1")
        assert row.project == PROJECT
        assert row.ids, name


def test_every_writing_rpc_leaves_one_row_when_it_is_refused(zoo: Zoo, channel: grpc.Channel):
    traces = {}

    for call in writing_rpcs():
        trace_id, header = traced()
        traces[trace_id] = call.name
        call_rpc(channel, call, messages_for(call, WritingRequest(chunk=b"")), header)
    log = recorded(zoo, traces)

    refused = {name for name, row in log.items() if row.code is not None}
    assert refused == set(log)


def test_both_apis_record_the_same_actions(zoo: Zoo, token: str, channel: grpc.Channel):
    actions: dict[str, set[str]] = {"rest": set(), "grpc": set()}
    for call in writing_rpcs():
        _, header = traced()
        call_rpc(channel, call, messages_for(call, WritingRequest(chunk=b"")), header)
    with serving(zoo) as url, client_of(url, token) as client:
        for route in writing_routes(zoo):
            method, path = route.split(" ")
            named = ("model", "dataset", "upload", "job", "accuracy", "key")
            ids = {f"{noun}_id": "mdl_0" for noun in named}
            client.request(
                method, path.format(project="default", alias="prod", **ids), content=b"{"
            )
        eventually(lambda: len(rows(zoo)) >= len(list(writing_routes(zoo))) + len(CALLS))

    for row in rows(zoo):
        actions[row.api].add(row.action)
    # Resumable uploads and browsers' sessions are REST's alone.
    own = ("uploads.", "sessions.", "sign-in-links.")
    alone = {action for action in actions["rest"] if action.startswith(own)}
    assert actions["rest"] - alone == actions["grpc"]
