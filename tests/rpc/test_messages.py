"""A message is read only with a key, only for a time, and only up to its size."""

import contextlib
import math
import socket
import threading
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.struct_pb2 import ListValue, Struct, Value
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from service.container import Zoo, zoo_from
from service.core.operations.access import keys
from service.rpc.stubs.zoo.v1 import accuracy_service_pb2 as accuracies
from service.rpc.stubs.zoo.v1 import job_service_pb2 as jobs
from service.rpc.stubs.zoo.v1 import model_pb2, model_service_pb2_grpc, transferability_service_pb2
from service.rpc.stubs.zoo.v1 import model_service_pb2 as models
from service.settings import Settings
from tests.rest.served import a_dataset, a_model, archive
from tests.rpc.channels import Dialled, channel_to, listening, refusal, refusal_in
from tests.waiting import HANG_SECONDS, eventually

GET_MODEL = "/zoo.v1.ModelService/GetModel"
SUBMIT_JOB = "/zoo.v1.JobService/SubmitJob"


def raw(channel: grpc.Channel, method: str = GET_MODEL) -> Any:
    """A unary call of bytes."""
    return channel.unary_unary(method)


def test_a_message_is_not_decoded_before_the_key_is_checked(dialled: Dialled):
    with channel_to(dialled.address) as channel:
        answer = refusal(raw(channel), b"\xff" * 100)

    assert answer.code == "unauthenticated"


def test_a_message_that_cannot_be_decoded_is_refused(dialled: Dialled):
    answer = refusal(raw(dialled.channel), b"\xff" * 100)

    assert (answer.status, answer.code) == (grpc.StatusCode.INVALID_ARGUMENT, "malformed_message")
    assert answer.remedy


def test_a_message_nested_too_deeply_is_refused(dialled: Dialled):
    value = b""
    for _ in range(60):
        # A list value that holds the value before.
        value = field(6, field(1, value))
    params = field(1, field(1, b"a") + field(2, value))

    answer = refusal(raw(dialled.channel, SUBMIT_JOB), field(1, b"depara") + field(3, params))

    assert (answer.status, answer.code) == (grpc.StatusCode.INVALID_ARGUMENT, "malformed_message")


def field(number: int, content: bytes) -> bytes:
    """A field of bytes on the wire."""
    return bytes([number << 3 | 2]) + varint(len(content)) + content


def varint(value: int) -> bytes:
    return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + varint(value >> 7)


def test_short_messages_have_64_kibibytes_at_most(dialled: Dialled):
    answer = refusal(dialled.models.GetModel, models.GetModelRequest(id="x" * 70_000))

    assert (answer.status, answer.code) == (
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        "message_too_large",
    )
    assert answer.remedy


def test_an_oversized_message_is_refused_with_a_remedy_and_without_a_log(
    dialled: Dialled, caplog: pytest.LogCaptureFixture
):
    header = models.ModelHeader(filename="fox.pt2")
    with_manifest(header)
    parts = [
        models.CreateModelRequest(header=header),
        models.CreateModelRequest(chunk=bytes(5 * 1024**2)),
    ]

    short = refusal(raw(dialled.channel), bytes(5 * 1024**2))
    chunk = refusal(dialled.models.CreateModel, iter(parts))

    for answer in (short, chunk):
        assert answer.status is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert answer.code == "message_too_large"
        assert answer.remedy
    assert "chunks" in str(chunk.remedy)
    assert not caplog.records


def test_what_grpc_itself_refuses_leaves_no_log(
    dialled: Dialled, caplog: pytest.LogCaptureFixture
):
    with pytest.raises(grpc.RpcError) as raised:
        raw(dialled.channel)(bytes(20 * 1024**2), timeout=HANG_SECONDS)

    assert raised.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    # A later call shows that the server has ended the one before.
    assert dialled.models.ListModels(models.ListModelsRequest())
    assert not caplog.records


def test_a_client_that_leaves_before_its_message_leaves_no_log(
    dialled: Dialled, caplog: pytest.LogCaptureFixture
):
    waits, has_ended = threading.Event(), threading.Event()

    def silent() -> Iterator[bytes]:
        waits.set()
        has_ended.wait(HANG_SECONDS)
        yield from ()

    call = dialled.channel.stream_unary(GET_MODEL).future(silent())
    waits.wait(HANG_SECONDS)
    call.cancel()
    has_ended.set()

    assert dialled.models.ListModels(models.ListModelsRequest())
    assert not caplog.records


def with_manifest(header: models.ModelHeader) -> None:
    """Let the header describe a network."""
    header.manifest.name, header.manifest.format = "fox", "pt2"
    header.manifest.input.height = header.manifest.input.width = 8


def test_a_message_with_a_long_list_may_be_longer(dialled: Dialled):
    rows = [accuracies.NewAccuracy(model=f"m{i}", dataset="d", value=0.5) for i in range(5000)]

    added = dialled.accuracies.AddAccuracies(accuracies.AddAccuraciesRequest(accuracies=rows))

    assert added.new == 5000


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, 1e308, 1e-310])
def test_odd_numbers_are_refused_in_fields_and_in_structs(dialled: Dialled, number: float):
    manifest = model_pb2.ModelManifest(name="fox", format="pt2")
    manifest.input.height = manifest.input.width = 8
    manifest.input.mean.append(number)
    header = models.ModelHeader(manifest=manifest, filename="fox.pt2")
    upload = [models.CreateModelRequest(header=header), models.CreateModelRequest(chunk=archive())]
    params = Struct(fields={"edge_weight": Value(number_value=number)})
    job = jobs.SubmitJobRequest(method="depara", params=params)

    assert refusal(dialled.models.CreateModel, iter(upload)).code == "number_out_of_range"
    assert refusal(dialled.jobs.SubmitJob, job).code == "number_out_of_range"


def test_a_struct_with_many_keys_or_an_empty_value_is_no_crash(dialled: Dialled):
    many = Struct(fields={str(n): Value(null_value=0) for n in range(1500)})
    empty = Struct(fields={"a": Value(), "b": Value(list_value=ListValue(values=[Value()]))})

    crowded = refusal(dialled.jobs.SubmitJob, jobs.SubmitJobRequest(method="depara", params=many))
    hollow = refusal(dialled.jobs.SubmitJob, jobs.SubmitJobRequest(method="depara", params=empty))

    assert crowded.code == "json_too_complex"
    assert hollow.code == "invalid_params"


def test_many_wrong_fields_are_cut_with_the_count_of_the_rest(dialled: Dialled):
    params = Struct(fields={f"field_{n}": Value(number_value=1) for n in range(900)})

    answer = refusal(dialled.jobs.SubmitJob, jobs.SubmitJobRequest(method="depara", params=params))

    assert len(answer.fields) == 100
    assert answer.omitted == 800


@pytest.mark.parametrize("filename", ["a\0b", "a\u202eb"])
def test_a_file_name_has_the_rule_of_every_api(dialled: Dialled, filename: str):
    manifest = model_pb2.ModelManifest(name="fox", format="pt2")
    manifest.input.height = manifest.input.width = 8
    header = models.ModelHeader(manifest=manifest, filename=filename)

    answer = refusal(dialled.models.CreateModel, iter([models.CreateModelRequest(header=header)]))

    assert answer.code == "invalid_file_name"


def test_no_odd_text_in_any_query_is_a_server_error(dialled: Dialled):
    odd = ("", "\n", "a" * 300, "東京", "\x7f")
    for text in odd:
        for call, request in (
            (dialled.models.ListModels, models.ListModelsRequest(tag=text, name=text)),
            (dialled.models.ListModels, models.ListModelsRequest(page_token=text)),
            (dialled.models.GetModel, models.GetModelRequest(id=text)),
            (dialled.jobs.ListJobs, jobs.ListJobsRequest(method=text)),
            (dialled.models.Predict, models.PredictRequest(id="mdl_0", layer=text)),
            (
                dialled.transferability.GetMap,
                transferability_service_pb2.GetMapRequest(dataset_id=text),
            ),
        ):
            with contextlib.suppress(AssertionError):
                answer = refusal(call, request)
                assert answer.status not in (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN)


@pytest.fixture
def limited(request: pytest.FixtureRequest, zoo_settings: Settings) -> Iterator[Dialled]:
    """A server with few connections that waits long, except where ``short`` says otherwise."""
    timeouts = ("header_timeout_seconds", "idle_timeout_seconds", "body_timeout_seconds")
    limits = dict.fromkeys(timeouts, HANG_SECONDS) | {
        "max_connections": 12,
        "max_calls_per_address": 4,
    }
    zoo = zoo_from(zoo_settings.model_copy(update=limits | getattr(request, "param", {})))
    with zoo.transaction() as session:
        token = keys.issue(session, project="default", name="a key", scopes=["admin"]).token
    with listening(zoo) as address:
        dialled = Dialled(zoo, address, token)
        yield dialled
        dialled.channel.close()
    zoo.close()


def short(*timeouts: str) -> pytest.MarkDecorator:
    """Give the server of a test these timeouts in half a second.

    Only those that the test is about: on a busy machine any other could end a call first.
    """
    limits = {f"{timeout}_timeout_seconds": 0.5 for timeout in timeouts}
    return pytest.mark.parametrize("limited", [limits], ids=["short"], indirect=True)


def silent_socket(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=HANG_SECONDS)


def until_closed(connection: socket.socket) -> bytes:
    data = b""
    with contextlib.suppress(ConnectionResetError):
        while chunk := connection.recv(65536):
            data += chunk
    return data


def first_byte(connection: socket.socket) -> bytes:
    """What comes first; nothing if the server closes."""
    with contextlib.suppress(ConnectionResetError):
        return connection.recv(1)
    return b""


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"


PING = b"\x00\x00\x08\x06\x00\x00\x00\x00\x00" + bytes(8)


@short("header", "idle")
@pytest.mark.parametrize(
    "sent", [b"", b"PRI * ", PREFACE, PREFACE + SETTINGS, PREFACE + SETTINGS + PING]
)
def test_a_connection_without_calls_is_closed(limited: Dialled, sent: bytes):
    with silent_socket(limited.address) as connection:
        connection.sendall(sent)

        until_closed(connection)


@short("idle")
def test_a_connection_is_closed_when_its_calls_have_ended(limited: Dialled):
    states: list[grpc.ChannelConnectivity] = []
    with grpc.insecure_channel(limited.address) as channel:
        channel.subscribe(states.append)
        assert refusal(raw(channel), b"").code == "unauthenticated"

        eventually(lambda: states[-1:] == [grpc.ChannelConnectivity.IDLE] and len(states) > 1)

    assert grpc.ChannelConnectivity.READY in states


@short("body")
def test_a_call_whose_message_never_comes_is_ended(limited: Dialled):
    never = threading.Event()

    def no_message() -> Iterator[bytes]:
        never.wait(HANG_SECONDS)
        yield b""

    call = limited.channel.stream_unary(GET_MODEL).future(no_message())
    with pytest.raises(grpc.RpcError) as caught:
        call.result(timeout=HANG_SECONDS)
    never.set()

    assert caught.value.code() is grpc.StatusCode.CANCELLED


@short("body")
def test_an_upload_that_stalls_is_ended_and_leaves_nothing(limited: Dialled):
    never = threading.Event()
    manifest = model_pb2.ModelManifest(name="fox", format="pt2")
    manifest.input.height = manifest.input.width = 8
    header = models.ModelHeader(manifest=manifest, filename="fox.pt2")

    def stalled() -> Iterator[models.CreateModelRequest]:
        yield models.CreateModelRequest(header=header)
        yield models.CreateModelRequest(chunk=b"PK")
        never.wait(HANG_SECONDS)

    with pytest.raises(grpc.RpcError):
        limited.models.CreateModel(stalled(), timeout=HANG_SECONDS)
    never.set()

    eventually(lambda: not list(limited.zoo.staging.iterdir()))


def test_one_address_has_a_share_of_the_calls(limited: Dialled):
    never = threading.Event()

    def no_message() -> Iterator[bytes]:
        never.wait(HANG_SECONDS)
        yield b""

    # One more than the share, and no other call: a short one in between could hold the share that
    # one of these needs, which would then be the refused one.
    held = [limited.channel.stream_unary(GET_MODEL).future(no_message()) for _ in range(5)]
    eventually(lambda: any(call.done() for call in held))
    refused = [call for call in held if call.done()]
    under_way = [call for call in held if not call.done()]
    never.set()

    assert [refusal_in(call.exception()).code for call in refused] == ["too_many_calls"]
    assert len(under_way) == 4


def test_there_is_a_cap_on_connections(limited: Dialled):
    stub = model_service_pb2_grpc.ModelServiceStub(limited.channel)
    stub.ListModels(models.ListModelsRequest())
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(silent_socket(limited.address)) for _ in range(20)]

        # Those beyond the cap hear nothing: they are closed at once, the others greet.
        greetings = [first_byte(connection) for connection in sockets]

    assert greetings.count(b"") >= 20 - 12
    eventually(lambda: _answers(stub))


def _answers(stub: Any) -> bool:
    with contextlib.suppress(grpc.RpcError):
        stub.ListModels(models.ListModelsRequest(), timeout=HANG_SECONDS)
        return True
    return False


def test_reflection_can_be_switched_off(zoo: Zoo):
    from dataclasses import replace

    closed = replace(zoo, settings=zoo.settings.model_copy(update={"grpc_reflection": False}))
    asked = reflection_pb2.ServerReflectionRequest(list_services="")
    with listening(closed) as address, channel_to(address) as channel:
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)

        with pytest.raises(grpc.RpcError) as caught:
            next(stub.ServerReflectionInfo(iter([asked])))

    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize("text", ["a" * 301, "mdl_1\n", "\x00", "a\x7f"])
def test_an_id_that_no_path_could_hold_is_refused_and_not_repeated(dialled: Dialled, text: str):
    calls = [
        (dialled.models.GetModel, models.GetModelRequest(id=text)),
        (dialled.jobs.GetJob, jobs.GetJobRequest(id=text)),
        (dialled.jobs.WatchJob, jobs.WatchJobRequest(id=text)),
        (dialled.models.ListNeighbors, models.ListNeighborsRequest(id="mdl_1", dataset_id=text)),
    ]

    for call, request in calls:
        answer = refusal(call, request)

        assert (answer.status, answer.code) == (
            grpc.StatusCode.INVALID_ARGUMENT,
            "invalid_request",
        )
        assert len(answer.detail) < 200
        assert answer.fields in (("/id",), ("/dataset_id",))


@pytest.mark.parametrize("key", ["", "k" * 201, "".join(map(str, range(2000)))])
def test_an_idempotency_key_that_cannot_be_stored_is_refused(dialled: Dialled, key: str):
    with dialled.zoo.transaction() as session:
        inputs = {
            "model_id": a_model(session).id,
            "dataset_id": a_dataset(dialled.zoo, session).id,
        }
    request = jobs.SubmitJobRequest(method="depara")
    request.inputs.update(inputs)

    answer = refusal(dialled.jobs.SubmitJob, request, metadata=[("idempotency-key", key)])

    assert (answer.status, answer.code) == (grpc.StatusCode.INVALID_ARGUMENT, "invalid_request")
    assert answer.fields == ("/metadata/idempotency-key",)
