"""Every change in a project reaches those who follow it, once and in order, and nobody else."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import func, update

from service import job_events
from service.core.operations import project_events
from service.core.operations.access import keys
from service.core.tables import ProjectEventRecord
from service.rpc.stubs.zoo.v1 import event_service_pb2, event_service_pb2_grpc
from tests.rest.served import PROJECT, Served, a_dataset, a_model, client_of
from tests.rpc.channels import channel_to, listening
from tests.waiting import HANG_SECONDS
from tests.zooscope.client.flaky import wire_to
from zooscope import ZooClient

Event = dict[str, Any]


@contextmanager
def following(client: httpx.Client, *, after: str | None = None) -> Iterator[Iterator[Event]]:
    """The messages of a stream that has begun, as an iterator."""
    headers = {} if after is None else {"Last-Event-ID": after}
    with client.stream("GET", "/v1/events", headers=headers) as stream:
        assert stream.status_code == 200
        messages = _messages(stream.iter_lines())
        yield messages


def _messages(lines: Iterator[str]) -> Iterator[Event]:
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "id" in fields:
            yield {**json.loads(fields.get("data", "{}")), "id": fields["id"]}
            fields = {}


def _short(event: Event) -> tuple[str, str, str]:
    return event["kind"], event["change"], event["subject_id"]


def _new_model(served: Served, **fields: Any) -> str:
    with served.zoo.transaction() as session:
        return a_model(session, **fields).id


def test_a_change_of_anything_arrives_by_notification(
    served: Served, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(job_events, "POLL_SECONDS", 9999.0)
    with following(served.client) as messages:
        next(messages)
        model = _new_model(served)
        created = next(messages)
        etag = served.client.get(f"/v1/models/{model}").headers["ETag"]
        match = {"If-Match": etag}
        served.client.patch(f"/v1/models/{model}", json={"tags": ["new"]}, headers=match)
        updated = next(messages)
        served.client.delete(f"/v1/models/{model}", headers={"If-Match": "*"})
        deleted = next(messages)
        with served.zoo.transaction() as session:
            dataset = a_dataset(served.zoo, session).id
        added = next(messages)

    assert [_short(event) for event in (created, updated, deleted, added)] == [
        ("models", "created", model),
        ("models", "updated", model),
        ("models", "deleted", model),
        ("datasets", "created", dataset),
    ]
    assert created["state"] == "ready"


def test_events_of_another_project_never_appear(served: Served):
    with following(served.client) as messages:
        start = next(messages)["id"]
        foreign = _new_model(served, project="other")
        own = _new_model(served)
        first = next(messages)
    with following(served.client, after=start) as messages:
        next(messages)
        resumed = next(messages)

    assert first == resumed
    assert first["subject_id"] == own != foreign


def test_a_reader_resumes_after_the_last_event_without_a_gap(served: Served):
    with following(served.client) as messages:
        next(messages)
        models = [_new_model(served) for _ in range(3)]
        events = [next(messages) for _ in models]

    with following(served.client, after=events[0]["id"]) as messages:
        first = next(messages)
        rest = [next(messages), next(messages)]

    assert first["id"] == events[0]["id"]
    assert rest == events[1:]


def test_an_event_of_a_transaction_that_commits_late_is_not_lost(served: Served):
    with following(served.client) as messages:
        next(messages)
        with served.zoo.transaction() as session:
            early = a_model(session).id
            session.flush()
            late = _new_model(served)
        received = [next(messages)["subject_id"], next(messages)["subject_id"]]

    assert received == [early, late]


def test_what_is_no_longer_stored_is_refused_with_what_to_do(served: Served):
    with following(served.client) as messages:
        start = next(messages)["id"]
    _new_model(served)
    _new_model(served)
    past = func.clock_timestamp() - project_events.RETENTION - timedelta(seconds=1)
    with served.zoo.transaction() as session:
        session.execute(update(ProjectEventRecord).values(at=past))
    with served.zoo.transaction() as session:
        project_events.remove_expired(session)

    answer = served.client.get("/v1/events", headers={"Last-Event-ID": start})

    assert (answer.status_code, answer.json()["code"]) == (409, "events_expired")
    assert answer.json()["remedy"]


def test_a_position_of_another_database_is_refused(served: Served):
    answer = served.client.get("/v1/events", headers={"Last-Event-ID": f"{10**17}-1"})

    assert answer.json()["code"] == "events_expired"


def test_what_is_no_position_is_refused(served: Served):
    answer = served.client.get("/v1/events", headers={"Last-Event-ID": "yesterday"})

    assert answer.status_code == 422


@pytest.mark.parametrize(("scopes", "status"), [(["read"], 200), (["write"], 403)])
def test_following_needs_the_scope_read(served: Served, scopes: list[str], status: int):
    with served.zoo.transaction() as session:
        key = keys.issue(session, project=PROJECT, name="follower", scopes=scopes)
    with (
        client_of(served.url, key.token) as client,
        client.stream("GET", "/v1/events") as stream,
    ):
        assert stream.status_code == status


def test_the_client_loses_no_event_when_its_connection_breaks(served: Served):
    with following(served.client) as messages:
        start = next(messages)["id"]
    models = [_new_model(served) for _ in range(30)]

    with (
        wire_to(served.url, answer_cuts=[2000]) as wire,
        ZooClient(wire.url, key=served.token) as client,
    ):
        events = client.events(after=start)
        received = [next(events)["subject_id"] for _ in models]
        assert wire.broken == 1

    assert received == models


def test_grpc_streams_the_same_events(served: Served):
    with following(served.client) as messages:
        start = next(messages)["id"]
        model = _new_model(served)
        over_rest = next(messages)
    with listening(served.zoo) as address, channel_to(address, served.token) as channel:
        request = event_service_pb2.WatchEventsRequest(after_id=start)
        stub = event_service_pb2_grpc.EventServiceStub(channel)
        watch = stub.WatchEvents(request, timeout=HANG_SECONDS)
        first, second = next(watch), next(watch)
        watch.cancel()

    assert (first.id, first.HasField("event")) == (start, False)
    assert second.id == second.event.id == over_rest["id"]
    assert (second.event.kind, second.event.change) == ("models", "created")
    assert second.event.subject_id == model
    assert second.event.state == over_rest["state"]
