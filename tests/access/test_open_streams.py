"""A stream ends soon after its key was revoked or has expired, with a typed error, over both APIs."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta

import grpc
import httpx
import pytest
from sqlalchemy import event, func, update

from service.container import Zoo
from service.core.errors import UnauthenticatedError
from service.core.operations.access import keys
from service.core.operations.access.keys import Caller, NewKey
from service.core.operations.jobs import jobs
from service.core.tables import KeyRecord
from service.key_watch import KeyWatch, OpenStream
from service.rpc.stubs.zoo.v1 import job_service_pb2 as job_messages
from service.rpc.stubs.zoo.v1 import job_service_pb2_grpc, model_pb2, model_service_pb2_grpc
from service.rpc.stubs.zoo.v1 import model_service_pb2 as model_messages
from tests.rest.served import a_dataset, a_model, client_of, serving, stored
from tests.rpc.channels import channel_to, listening, refusal_in
from tests.waiting import HANG_SECONDS, eventually
from zooscope import ZooClient, ZooClientError

LARGE_BYTES = 64 * 1024**2


def new_key(zoo: Zoo) -> NewKey:
    with zoo.transaction() as session:
        return keys.issue(session, project="default", name="a key", scopes=["admin"])


def revoked(zoo: Zoo, key: NewKey) -> None:
    with zoo.transaction() as session:
        keys.revoke(session, project="default", key_id=key.record.id)


def expired(zoo: Zoo, key: NewKey) -> None:
    past = func.clock_timestamp() - timedelta(seconds=1)
    with zoo.transaction() as session:
        session.execute(update(KeyRecord).values(expires_at=past))


@pytest.fixture
def job_id(zoo: Zoo) -> str:
    """A job that stays queued."""
    with zoo.transaction() as session:
        inputs = {"model_id": a_model(session).id, "dataset_id": a_dataset(zoo, session).id}
        return jobs.submit(session, project="default", method="depara", inputs=inputs).id


@pytest.mark.parametrize("end", [revoked, expired])
def test_a_stream_of_events_ends_with_its_key(
    zoo: Zoo, job_id: str, end: Callable[[Zoo, NewKey], None]
):
    key = new_key(zoo)
    with (
        serving(zoo) as url,
        client_of(url, key.token) as client,
        client.stream("GET", f"/v1/jobs/{job_id}/events") as stream,
    ):
        lines = stream.iter_lines()
        assert "event: queued" in [next(lines) for _ in range(3)]

        end(zoo, key)
        rest = "\n".join(lines)

    assert "event: error" in rest
    problem = json.loads(rest.partition("data: ")[2].partition("\n")[0])
    assert (problem["status"], problem["code"]) == (401, "unauthenticated")
    assert problem["remedy"]


@pytest.mark.parametrize("end", [revoked, expired])
def test_a_watch_over_grpc_ends_with_its_key(
    zoo: Zoo, job_id: str, end: Callable[[Zoo, NewKey], None]
):
    key = new_key(zoo)
    with listening(zoo) as address, channel_to(address, key.token) as channel:
        watch = job_service_pb2_grpc.JobServiceStub(channel).WatchJob(
            job_messages.WatchJobRequest(id=job_id), timeout=HANG_SECONDS
        )
        assert next(watch).event.type == "queued"

        end(zoo, key)
        with pytest.raises(grpc.RpcError) as caught:
            list(watch)

    refused = refusal_in(caught.value)
    assert (refused.status, refused.code) == (grpc.StatusCode.UNAUTHENTICATED, "unauthenticated")
    assert refused.remedy


def test_the_client_reports_why_the_events_ended(zoo: Zoo, job_id: str):
    key = new_key(zoo)
    with serving(zoo) as url, ZooClient(url, key=key.token) as client:
        watched = client.jobs.watch(job_id)
        assert next(watched)["type"] == "queued"

        revoked(zoo, key)
        with pytest.raises(ZooClientError) as caught:
            list(watched)

    assert (caught.value.status, caught.value.code) == (401, "unauthenticated")


@pytest.fixture
def large_model(zoo: Zoo) -> str:
    digest = stored(zoo, bytes(LARGE_BYTES))
    with zoo.transaction() as session:
        return a_model(
            session, upload_sha256=digest, upload_bytes=LARGE_BYTES, filename="fox.pt2"
        ).id


def end_all(watch: KeyWatch) -> None:
    """Let the watch see the end of a key as soon as it has a stream."""
    eventually(lambda: watch._streams)
    eventually(lambda: all(stream._key_ended for stream in watch._streams))


@pytest.fixture
def watches(monkeypatch: pytest.MonkeyPatch) -> list[KeyWatch]:
    """The watches of the servers that the test starts."""
    watches: list[KeyWatch] = []
    make = KeyWatch.__init__

    def noted(watch: KeyWatch, zoo: Zoo) -> None:
        make(watch, zoo, interval_seconds=0.1)
        watches.append(watch)

    monkeypatch.setattr(KeyWatch, "__init__", noted)
    return watches


def test_a_download_ends_incomplete(zoo: Zoo, large_model: str, watches: list[KeyWatch]):
    key = new_key(zoo)
    with (
        serving(zoo) as url,
        client_of(url, key.token) as client,
        client.stream("GET", f"/v1/models/{large_model}/content") as stream,
    ):
        pieces = stream.iter_raw()
        next(pieces)

        revoked(zoo, key)
        end_all(watches[0])
        with pytest.raises(httpx.RemoteProtocolError):
            list(pieces)


def test_a_download_over_grpc_ends_with_its_key(
    zoo: Zoo, large_model: str, watches: list[KeyWatch]
):
    key = new_key(zoo)
    with listening(zoo) as address, channel_to(address, key.token) as channel:
        download = model_service_pb2_grpc.ModelServiceStub(channel).DownloadModel(
            model_messages.DownloadModelRequest(id=large_model), timeout=HANG_SECONDS
        )
        next(download)

        revoked(zoo, key)
        end_all(watches[0])
        with pytest.raises(grpc.RpcError) as caught:
            list(download)

    assert refusal_in(caught.value).status is grpc.StatusCode.UNAUTHENTICATED


def test_an_upload_is_refused_in_the_middle(zoo: Zoo, watches: list[KeyWatch]):
    key = new_key(zoo)

    def body() -> Iterator[bytes]:
        yield b"x" * 100_000
        eventually(lambda: watches[0]._streams)
        revoked(zoo, key)
        end_all(watches[0])
        yield from [b"x" * 100_000] * 10

    with serving(zoo) as url, client_of(url, key.token) as client:
        upload = client.post("/v1/uploads", json={"size": 1_100_000}).json()["id"]
        answer = client.patch(
            f"/v1/uploads/{upload}", content=body(), headers={"Upload-Offset": "0"}
        )

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


def test_an_upload_over_grpc_is_refused_in_the_middle(zoo: Zoo, watches: list[KeyWatch]):
    key = new_key(zoo)
    manifest = model_pb2.ModelManifest(name="fox", format="pt2")
    manifest.input.height = manifest.input.width = 8
    header = model_messages.ModelHeader(manifest=manifest, filename="fox.pt2")

    def messages() -> Iterator[model_messages.CreateModelRequest]:
        yield model_messages.CreateModelRequest(header=header)
        eventually(lambda: watches[0]._streams)
        revoked(zoo, key)
        end_all(watches[0])
        yield model_messages.CreateModelRequest(chunk=b"PK")

    with listening(zoo) as address, channel_to(address, key.token) as channel:
        stub = model_service_pb2_grpc.ModelServiceStub(channel)
        with pytest.raises(grpc.RpcError) as caught:
            stub.CreateModel(messages(), timeout=HANG_SECONDS)

    assert refusal_in(caught.value).status is grpc.StatusCode.UNAUTHENTICATED
    assert not list(zoo.staging.iterdir())


def is_open(stream: OpenStream) -> bool:
    try:
        stream.require_valid_key()
    except UnauthenticatedError:
        return False
    return True


def test_one_query_asks_for_all_streams_and_none_without_a_stream(
    zoo: Zoo, monkeypatch: pytest.MonkeyPatch
):
    key, other = new_key(zoo), new_key(zoo)
    sent: list[str] = []
    event.listen(zoo.engine, "before_cursor_execute", lambda *values: sent.append(values[2]))
    watch = KeyWatch(zoo, interval_seconds=0.05)
    looks: list[set[str]] = []
    look = watch._ended
    monkeypatch.setattr(watch, "_ended", lambda ids: looks.append(ids) or look(ids))
    with ExitStack() as stack:

        def opened(new: NewKey) -> OpenStream:
            caller = Caller("default", new.record.id, frozenset())
            return stack.enter_context(watch.stream(caller))

        streams, others = [opened(key) for _ in range(20)], [opened(other) for _ in range(20)]
        revoked(zoo, key)
        eventually(lambda: not any(map(is_open, streams)))

        assert all(map(is_open, others))
    eventually(lambda: not watch._is_running)
    asked = sum("expires_at <= clock_timestamp()" in statement for statement in sent)

    assert asked == len(looks) >= 1
    assert all(looks)
