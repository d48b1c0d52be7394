"""Images go through a network over every API, in one pass for all that wait, even if the child dies."""

import io
import os
import signal
import struct
import threading
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import asdict, fields, replace
from functools import reduce
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
import numpy as np
import psutil
import pytest
import torch
from PIL import Image
from pydantic import SecretStr
from torch import nn
from ulid import ULID

from service.adapters.object_store import key_of
from service.adapters.predict_queue import PredictQueue
from service.adapters.worker_registry import MessageKind
from service.container import Zoo, zoo_from
from service.core.errors import UnavailableError
from service.core.frames import pack
from service.core.manifest import TaskKind
from service.core.operations.access import keys
from service.core.predict_messages import (
    ForwardPass,
    OutputKind,
    PredictRequest,
    PredictResponse,
)
from service.core.tables import ModelRecord
from service.embedded.redis import PrivateRedis
from service.rpc.stubs.zoo.v1 import model_service_pb2 as wire
from service.settings import Settings
from tests.disks import flip_bit
from tests.rest.served import a_model, client_of, serving, stored
from tests.rpc.channels import Dialled, listening
from tests.waiting import HANG_SECONDS, eventually
from tests.workers.programs.networks import made
from tests.workers.programs.test_memory import Bomb
from workers.isolation.fork_client import ForkServerClient
from workers.programs.exporting import export_network
from workers.worker.predict_dispatcher import PredictDispatcher, _groups

SIDE = 16
A_PASS = ForwardPass(
    program="0" * 64,
    input={"height": SIDE, "width": SIDE},
    task=TaskKind.CLASSIFICATION,
    feature_layer="pool",
    output=None,
    layer=None,
)


def a_request(**changes: Any) -> PredictRequest:
    values: dict[str, Any] = {
        "id": str(ULID()),
        "forward_pass": A_PASS,
        "top_k": 5,
        "images": (b"image",),
        "timeout_seconds": HANG_SECONDS,
    }
    return PredictRequest(**{**values, **changes})


NESTED = reduce(lambda inner, _: [inner], range(900), [0.5])


def a_frame(**changes: object) -> bytes:
    """The frame of a request with changes of its forward pass."""
    values = {**asdict(A_PASS), **changes}
    header = {**vars(a_request()), "forward_pass": values}
    del header["images"]
    return pack(header, [b"image"])


class Classifier(nn.Module):
    """Scores that tell red from blue pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(3, 2, bias=False)
        with torch.no_grad():
            self.head.weight.copy_(torch.tensor([[9.0, 0, -9.0], [-9.0, 0, 9.0]]))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Scores of red and blue."""
        return self.head(self.pool(images).flatten(1))


@pytest.fixture
def zoo(zoo_settings: Settings, redis: PrivateRedis) -> Iterator[Zoo]:
    zoo = zoo_from(zoo_settings.model_copy(update={"redis_url": SecretStr(redis.url)}))
    yield zoo
    zoo.close()


@contextmanager
def started(
    zoo: Zoo, fork_server: ForkServerClient, redis: PrivateRedis
) -> Iterator[PredictDispatcher]:
    """A dispatcher that serves requests while the block runs."""
    queue = PredictQueue(redis.url)
    dispatcher = PredictDispatcher(zoo, fork_server, queue)
    dispatcher.start()
    eventually(lambda: bool(queue._redis.exists("zoo:answering")))
    yield dispatcher
    dispatcher.close()
    with closing(PredictQueue(redis.url)) as queue:
        queue._redis.flushall()


@pytest.fixture
def dispatcher(
    zoo: Zoo, fork_server: ForkServerClient, redis: PrivateRedis
) -> Iterator[PredictDispatcher]:
    with started(zoo, fork_server, redis) as dispatcher:
        yield dispatcher


@pytest.fixture
def token(zoo: Zoo) -> str:
    with zoo.transaction() as session:
        first = keys.issue_first(session)
    assert first is not None
    return first.token


@pytest.fixture
def client(zoo: Zoo, token: str) -> Iterator[httpx.Client]:
    with serving(zoo) as url, client_of(url, token) as client:
        yield client


def a_network(
    zoo: Zoo,
    network: nn.Module,
    folder: Path,
    *,
    input: Mapping[str, object] = MappingProxyType({}),  # noqa: A002 - the manifest's name
    **changes: object,
) -> str:
    """A model that is ready, with its program in the store."""
    file = folder / f"{type(network).__name__}.pt2"
    if not file.exists():  # Two models over the same file.
        export_network(network.eval(), (3, SIDE, SIDE), file)
    digest = stored(zoo, file.read_bytes())
    spec = {"channels": 3, "height": SIDE, "width": SIDE, **input}
    manifest = {"name": "n", "format": "pt2", "input": spec, "classes": ["red", "blue"]}
    with zoo.transaction() as session:
        record = a_model(
            session,
            program_sha256=digest,
            manifest=manifest,
            feature_layer="pool",
            layers=[{"name": "pool", "kind": "AdaptiveAvgPool2d", "shape": [3, 1, 1]}],
            **changes,
        )
    return record.id


def a_picture(color: str, size: tuple[int, int] = (40, 30)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, color).save(file, "PNG")
    return file.getvalue()


def likeliest(url: str, model: str, token: str, color: str) -> tuple[str, float]:
    """The likeliest class of a picture, with its probability."""
    with client_of(url, token) as client:
        answer = client.post(f"/v1/models/{model}:predict", files=form(a_picture(color)))
    first = answer.json()["items"][0]["classes"][0]
    return first["name"], first["probability"]


def form(*images: bytes) -> list[tuple[str, tuple[str, bytes]]]:
    return [("images", (f"{index}.png", data)) for index, data in enumerate(images)]


@pytest.mark.usefixtures("dispatcher")
def test_a_classifier_names_its_likeliest_classes(client: httpx.Client, zoo: Zoo, tmp_path: Path):
    model = a_network(zoo, Classifier(), tmp_path)

    answer = client.post(
        f"/v1/models/{model}:predict?top_k=1", files=form(a_picture("red"), a_picture("blue"))
    )

    assert answer.status_code == 200
    names = [item["classes"][0]["name"] for item in answer.json()["items"]]
    assert names == ["red", "blue"]


@pytest.mark.usefixtures("dispatcher")
def test_one_image_may_be_the_body_itself(client: httpx.Client, zoo: Zoo, tmp_path: Path):
    model = a_network(zoo, Classifier(), tmp_path)

    answer = client.post(
        f"/v1/models/{model}:predict",
        content=a_picture("blue"),
        headers={"Content-Type": "image/png"},
    )

    (item,) = answer.json()["items"]
    assert item["classes"][0]["name"] == "blue"


@pytest.mark.usefixtures("dispatcher")
def test_a_dense_network_answers_with_pictures(client: httpx.Client, zoo: Zoo, tmp_path: Path):
    model = a_network(zoo, nn.Identity(), tmp_path, task_kind="denoising")

    single = client.post(f"/v1/models/{model}:predict", files=form(a_picture("red")))
    double = client.post(
        f"/v1/models/{model}:predict", files=form(a_picture("red"), a_picture("blue"))
    )

    assert single.headers["content-type"] == "image/png"
    picture = np.asarray(Image.open(io.BytesIO(single.content)))
    assert (picture == [255, 0, 0]).all()
    assert zipfile.ZipFile(io.BytesIO(double.content)).namelist() == ["0.png", "1.png"]


@pytest.mark.usefixtures("dispatcher")
def test_features_of_a_layer_come_as_an_array(client: httpx.Client, zoo: Zoo, tmp_path: Path):
    model = a_network(zoo, Classifier(), tmp_path)

    answer = client.post(
        f"/v1/models/{model}:predict?layer=pool", files=form(a_picture("red"), a_picture("blue"))
    )

    features = np.load(io.BytesIO(answer.content), allow_pickle=False)
    assert features.reshape(2, 3).tolist() == [[1, 0, 0], [0, 0, 1]]


@pytest.mark.usefixtures("dispatcher")
@pytest.mark.parametrize(
    ("query", "images", "code", "pointer"),
    [
        ("", [], "invalid_image_count", "/images"),
        ("", [b"no image"], "image_unreadable", "/images"),
        ("layer=nowhere", [a_picture("red")], "unknown_layer", "/layer"),
        ("layer=pool&output=classes", [a_picture("red")], "output_not_supported", "/layer"),
        ("output=image", [a_picture("red")], "output_not_supported", "/output"),
    ],
)
def test_an_impossible_request_is_refused_with_its_code(
    client: httpx.Client,
    zoo: Zoo,
    tmp_path: Path,
    query: str,
    images: list[bytes],
    code: str,
    pointer: str,
):
    model = a_network(zoo, Classifier(), tmp_path)

    answer = client.post(f"/v1/models/{model}:predict?{query}", files=form(*images) or None)

    assert answer.status_code == 422
    problem = answer.json()
    assert problem["code"] == code
    assert problem["errors"][0]["pointer"] == pointer


def test_without_a_worker_the_request_fails_and_nothing_is_queued(
    client: httpx.Client, zoo: Zoo, redis: PrivateRedis, tmp_path: Path
):
    model = a_network(zoo, Classifier(), tmp_path)

    answer = client.post(f"/v1/models/{model}:predict", files=form(a_picture("red")))

    assert (answer.status_code, answer.json()["code"]) == (503, "no_prediction_worker")
    with closing(PredictQueue(redis.url)) as queue:
        assert queue._redis.llen("zoo:questions") == 0


def test_a_model_that_is_not_ready_is_refused(client: httpx.Client, zoo: Zoo):
    with zoo.transaction() as session:
        model = a_model(session, state="checking").id

    answer = client.post(f"/v1/models/{model}:predict", files=form(a_picture("red")))

    assert (answer.status_code, answer.json()["code"]) == (409, "model_not_ready")


@pytest.mark.usefixtures("dispatcher")
def test_grpc_answers_the_same(zoo: Zoo, token: str, tmp_path: Path):
    model = a_network(zoo, Classifier(), tmp_path)

    with listening(zoo) as address:
        dialled = Dialled(zoo, address, token)
        answer = dialled.models.Predict(
            wire.PredictRequest(id=model, images=[a_picture("blue")], top_k=1)
        )
        features = dialled.models.Predict(
            wire.PredictRequest(id=model, images=[a_picture("blue")], layer="pool")
        )
        dialled.channel.close()

    assert answer.classes.items[0].classes[0].name == "blue"
    assert np.load(io.BytesIO(features.npy), allow_pickle=False).shape == (1, 3, 1, 1)


def test_a_killed_child_is_replaced_and_the_next_request_served(
    client: httpx.Client, zoo: Zoo, dispatcher: PredictDispatcher, tmp_path: Path
):
    model = a_network(zoo, Classifier(), tmp_path)
    ask = f"/v1/models/{model}:predict"
    client.post(ask, files=form(a_picture("red")))
    assert dispatcher._process is not None
    first = dispatcher._process.child.pid
    assert first is not None

    psutil.Process(first).send_signal(signal.SIGKILL)
    answer = client.post(ask, files=form(a_picture("red")))

    assert answer.status_code == 200
    assert dispatcher._process.child.pid != first


@pytest.mark.usefixtures("dispatcher")
def test_many_clients_each_get_their_own_response(client: httpx.Client, zoo: Zoo, tmp_path: Path):
    model = a_network(zoo, Classifier(), tmp_path)
    colors = ["red", "blue"] * 8
    gate = threading.Barrier(len(colors))

    def ask(color: str) -> str:
        gate.wait()
        answer = client.post(f"/v1/models/{model}:predict", files=form(a_picture(color)))
        return str(answer.json()["items"][0]["classes"][0]["name"])

    with ThreadPoolExecutor(len(colors)) as pool:
        assert list(pool.map(ask, colors)) == colors


def test_compatible_requests_are_served_together_the_oldest_first():
    def request(program: str, images: int) -> PredictRequest:
        forward_pass = replace(A_PASS, program=program)
        return a_request(id=program, forward_pass=forward_pass, images=(b"",) * images)

    waiting = [request("a", 2), request("b", 1), request("a", 60), request("a", 3)]

    sizes = [[(r.id, len(r.images)) for r in group] for group in _groups(waiting)]

    assert sizes == [[("a", 2), ("a", 60)], [("a", 3)], [("b", 1)]]


@pytest.mark.parametrize("field", [field.name for field in fields(ForwardPass)])
def test_requests_that_differ_in_anything_but_their_images_are_served_apart(field: str):
    other: Any = {"input": {"mean": [0.5]}, "output": OutputKind.CLASSES}
    passes = [A_PASS, replace(A_PASS, **{field: other.get(field, "another")}), A_PASS]

    requests = [
        a_request(id=str(i), forward_pass=item, top_k=i + 1) for i, item in enumerate(passes)
    ]

    assert [[request.id for request in group] for group in _groups(requests)] == [
        ["0", "2"],
        ["1"],
    ]


def test_models_over_the_same_file_get_the_answers_of_their_own_manifests(
    zoo: Zoo, token: str, redis: PrivateRedis, fork_server: ForkServerClient, tmp_path: Path
):
    with zoo.transaction() as session:
        other = keys.issue(session, project="another", name="a key", scopes=["admin"]).token
    dim = {"std": [9.0] * 3}
    models = [
        (a_network(zoo, Classifier(), tmp_path), token),
        (a_network(zoo, Classifier(), tmp_path, input=dim, project="another"), other),
        (a_network(zoo, Classifier(), tmp_path, input=dim, task_kind="multi_label"), token),
    ]
    questions = [(*model, color) for color in ["red", "blue"] * 4 for model in models]

    with (
        serving(zoo) as url,
        closing(PredictQueue(redis.url)) as queue,
        ThreadPoolExecutor(len(questions)) as pool,
    ):
        queue.announce_presence()
        waiting = [pool.submit(likeliest, url, *question) for question in questions]
        eventually(lambda: queue._redis.llen("zoo:questions") == len(questions))
        with started(zoo, fork_server, redis):
            together = [future.result() for future in waiting]
            alone = [likeliest(url, *question) for question in questions[: 2 * len(models)]]

    assert together == alone * 4
    by_hand = [1 / (1 + np.exp(-score)) for score in (18.0, 2.0, 1.0)]
    assert [probability for _, probability in alone] == pytest.approx(by_hand * 2)
    assert [name for name, _ in alone] == ["red"] * 3 + ["blue"] * 3


@pytest.fixture
def queue(redis: PrivateRedis) -> Iterator[PredictQueue]:
    queue = PredictQueue(redis.url)
    queue._redis.flushall()
    yield queue
    queue._redis.flushall()
    queue.close()


MALFORMED_FRAMES = {
    "noise": b"\x00\xffgarbage",
    "nothing": b"",
    "text": b"hello",
    "an endless length": b"\xff\xff\xff\xff{}",
    "no fields": pack({}),
    "an infinite size": b'\x28\x00\x00\x00{"header": {}, "lengths": [1e999]}       ',
    "deep nesting": (200_000).to_bytes(4, "little") + b"[" * 200_000,
    "a path as the id": a_request(id="../../etc/passwd").packed(),
    "a path as the program": a_frame(program="../../../etc/passwd"),
    "no image": a_request(images=()).packed(),
    "too many images": a_request(images=(b"",) * 65).packed(),
    "an output of another kind": a_frame(output="all"),
    "an input that is no object": a_frame(input="x"),
    "an input without a number": a_frame(input={**A_PASS.input, "mean": [float("nan")]}),
    "an input of nested lists": a_frame(input={**A_PASS.input, "mean": NESTED}),
    "a task of another kind": a_frame(task="cooking"),
    "a layer that is no text": a_frame(layer="\ud800"),
    "no forward pass": pack({**vars(a_request()), "images": None, "forward_pass": None}, [b""]),
    "an endless wait": a_request(timeout_seconds=float("inf")).packed(),
}


def test_malformed_frames_are_dropped_and_counted_and_the_requests_among_them_taken(
    queue: PredictQueue,
):
    requests = [a_request() for _ in MALFORMED_FRAMES]
    for request, frame in zip(requests, MALFORMED_FRAMES.values(), strict=True):
        queue._redis.rpush("zoo:questions", frame)
        queue._push(request)

    taken = queue.take(most=64, seconds=1)

    assert taken == requests
    assert queue.registry.dropped()[MessageKind.PREDICT_REQUEST] == len(MALFORMED_FRAMES)


def test_a_malformed_response_is_dropped_and_the_next_one_taken(queue: PredictQueue):
    queue.announce_presence()
    request = a_request()
    for frame in MALFORMED_FRAMES.values():
        queue._redis.rpush(f"zoo:answer:{request.id}", frame)
    response = PredictResponse(OutputKind.CLASSES, [[{"index": 1, "probability": 0.5}]])
    queue.reply(request.id, response)

    assert queue.call(request) == response
    assert queue.registry.dropped()[MessageKind.PREDICT_RESPONSE] == len(MALFORMED_FRAMES)


@pytest.mark.parametrize("key", ["zoo:questions", "zoo:dropped"])
def test_a_key_of_another_type_is_moved_aside(queue: PredictQueue, key: str):
    request = a_request()
    queue._redis.set(key, "of somebody else")
    queue._push(request)
    queue._redis.rename("zoo:questions", "waiting")
    queue._redis.set("zoo:questions", "of somebody else")
    assert queue.take(most=4, seconds=1) == []
    queue._redis.rename("waiting", "zoo:questions")

    assert queue.take(most=4, seconds=1) == [request]
    assert queue.registry.dropped()[MessageKind.KEY] >= 1
    aside = queue._redis.scan_iter(f"zoo:aside:{key}:*")
    assert [queue._redis.get(name) for name in aside]


def test_an_answer_finds_its_key_even_if_that_holds_another_type(queue: PredictQueue):
    queue.announce_presence()
    request = a_request()
    queue._redis.set(f"zoo:answer:{request.id}", "of somebody else")
    response = PredictResponse(OutputKind.CLASSES, [[{"index": 1, "probability": 0.5}]])

    queue.reply(request.id, response)

    assert queue.call(request) == response


def test_a_request_whose_caller_has_stopped_waiting_is_not_served(queue: PredictQueue):
    old, new = a_request(timeout_seconds=0.001), a_request()
    queue._push(old)
    queue._push(new)
    eventually(lambda: not queue._redis.exists(f"zoo:caller:{old.id}"))

    assert queue.take(most=4, seconds=1) == [new]


@contextmanager
def hung(redis: PrivateRedis) -> Iterator[None]:
    """A Redis that accepts connections and never answers."""
    os.kill(redis.pid, signal.SIGSTOP)
    yield
    os.kill(redis.pid, signal.SIGCONT)


def test_a_hung_redis_holds_neither_a_caller_nor_a_worker(
    queue: PredictQueue, redis: PrivateRedis
):
    queue.announce_presence()

    with hung(redis):
        with pytest.raises(UnavailableError) as refused:
            queue.call(a_request())
        with pytest.raises(UnavailableError) as idle:
            queue.take(most=4, seconds=1)

    assert (refused.value.code, idle.value.code) == ("broker_unavailable",) * 2


def test_a_redis_that_hangs_after_the_request_does_not_hold_the_caller(
    queue: PredictQueue, redis: PrivateRedis
):
    queue.announce_presence()
    with ThreadPoolExecutor(1) as pool, closing(PredictQueue(redis.url)) as caller:
        answer = pool.submit(caller.call, a_request())
        eventually(lambda: queue._redis.llen("zoo:questions") == 1)

        with hung(redis), pytest.raises(UnavailableError) as refused:
            answer.result()

    assert refused.value.code == "broker_unavailable"


def test_a_dispatcher_stops_while_redis_hangs(
    zoo: Zoo, fork_server: ForkServerClient, redis: PrivateRedis
):
    with started(zoo, fork_server, redis) as dispatcher, hung(redis):
        dispatcher.close()

    assert not any(thread.is_alive() for thread in dispatcher._threads)


def test_a_request_carries_no_moment_of_the_callers_clock(
    queue: PredictQueue, monkeypatch: pytest.MonkeyPatch
):
    request = a_request()
    queue._push(request)
    monkeypatch.setattr("time.time", lambda: 4e9)

    assert queue.take(most=4, seconds=1) == [request]


def test_the_caller_of_a_malformed_request_hears_at_once(queue: PredictQueue):
    queue.announce_presence()
    wrong = a_request(forward_pass=replace(A_PASS, input={"height": 2}))
    with ThreadPoolExecutor(1) as other:
        answer = other.submit(queue.call, wrong)
        eventually(lambda: queue._redis.llen("zoo:questions"))

        assert queue.take(most=4, seconds=1) == []
        with pytest.raises(UnavailableError) as caught:
            answer.result()

    assert caught.value.code == "invalid_frame"


@pytest.mark.usefixtures("dispatcher")
def test_a_model_whose_stored_input_is_wrong_is_refused_and_others_are_served(
    client: httpx.Client, zoo: Zoo, tmp_path: Path
):
    wrong = a_network(zoo, Classifier(), tmp_path, input={"mean": [0.5, 0.5]})
    right = a_network(zoo, Classifier(), tmp_path)
    with ThreadPoolExecutor(8) as pool:
        refused = list(pool.map(lambda _: answered(client, wrong), range(4)))
        served = list(pool.map(lambda _: answered(client, right), range(4)))

    assert {(answer.status_code, answer.json()["code"]) for answer in refused} == {
        (409, "model_unusable")
    }
    assert {answer.status_code for answer in served} == {200}


CLASSES = [[{"index": 0, "probability": 1.0}]]
WRONG_REPLIES: dict[str, Any] = {
    "no responses": {"responses": []},
    "too many responses": {"responses": [{"kind": "features", "classes": [], "parts": 0}] * 9},
    "another shape": {"responses": "none"},
    "nothing": {},
    "the program is missing for ever": {"missing": True},
    "an error without a code": {"responses": [{"kind": None, "parts": 0, "error": {}}]},
    "classes of two images": {
        "responses": [{"kind": "classes", "classes": CLASSES * 2, "parts": 0, "error": None}]
    },
    "classes without an index": {
        "responses": [{"kind": "classes", "classes": [[{}]], "parts": 0, "error": None}]
    },
    "parts that are not there": {
        "responses": [{"kind": "features", "classes": [], "parts": 7, "error": None}]
    },
}


@pytest.mark.parametrize("reply", WRONG_REPLIES.values(), ids=WRONG_REPLIES)
def test_a_child_that_replies_wrongly_fails_its_batch_at_once_and_is_replaced(
    client: httpx.Client,
    zoo: Zoo,
    dispatcher: PredictDispatcher,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    reply: dict[str, Any],
):
    model = a_network(zoo, Classifier(), tmp_path)
    assert answered(client, model).status_code == 200
    first = dispatcher._process.child.pid
    with monkeypatch.context() as patch:
        patch.setattr("workers.worker.predict_child.unpack", lambda _data: (reply, []))
        failed = answered(client, model)

    assert (failed.status_code, failed.json()["code"]) == (500, "internal")
    assert failed.json()["remedy"]
    assert answered(client, model).status_code == 200
    assert dispatcher._process.child.pid != first


def test_an_unforeseen_failure_of_one_group_leaves_the_others_their_answers(
    client: httpx.Client,
    zoo: Zoo,
    dispatcher: PredictDispatcher,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    model = a_network(zoo, Classifier(), tmp_path)
    serve = dispatcher._responses

    def failing(group: Sequence[PredictRequest]) -> list[PredictResponse]:
        if group[0].forward_pass.output is OutputKind.FEATURES:
            raise RuntimeError("unforeseen")
        return serve(group)

    monkeypatch.setattr(dispatcher, "_responses", failing)
    with ThreadPoolExecutor(8) as pool:
        queries = ["?output=features", ""] * 4
        answers = list(
            pool.map(
                lambda query: (
                    client.post(
                        f"/v1/models/{model}:predict{query}", files=form(a_picture("red"))
                    ).status_code
                ),
                queries,
            )
        )

    assert answers == [500, 200] * 4


@pytest.mark.usefixtures("dispatcher")
def test_malformed_frames_delay_no_prediction(
    client: httpx.Client, zoo: Zoo, redis: PrivateRedis, tmp_path: Path
):
    model = a_network(zoo, Classifier(), tmp_path)
    with closing(PredictQueue(redis.url)) as queue:

        def ask(color: str) -> str:
            queue._redis.rpush("zoo:questions", *MALFORMED_FRAMES.values())
            answer = client.post(f"/v1/models/{model}:predict", files=form(a_picture(color)))
            return str(answer.json()["items"][0]["classes"][0]["name"])

        colors = ["red", "blue"] * 8
        with ThreadPoolExecutor(len(colors)) as pool:
            assert list(pool.map(ask, colors)) == colors

        malformed = len(colors) * len(MALFORMED_FRAMES)
        eventually(
            lambda: queue.registry.dropped()[MessageKind.PREDICT_REQUEST] == malformed,
            facts=queue.registry.dropped,
        )


def test_a_missing_program_is_reported_with_its_code(
    client: httpx.Client, zoo: Zoo, dispatcher: PredictDispatcher, tmp_path: Path
):
    model = a_network(zoo, Classifier(), tmp_path)
    with zoo.transaction() as session:
        session.get_one(ModelRecord, model).program_sha256 = "0" * 64

    answer = client.post(f"/v1/models/{model}:predict", files=form(a_picture("red")))

    assert answer.json()["code"] == "blob_not_found"
    assert dispatcher._threads[0].is_alive()


def answered(client: httpx.Client, model: str) -> httpx.Response:
    return client.post(f"/v1/models/{model}:predict", files=form(a_picture("red")))


@pytest.mark.usefixtures("dispatcher")
def test_a_flipped_bit_never_reaches_a_loaded_program(
    client: httpx.Client, zoo: Zoo, tmp_path: Path
):
    model = a_network(zoo, Classifier(), tmp_path)
    before = answered(client, model).json()
    with zoo.transaction() as session:
        digest = session.get_one(ModelRecord, model).program_sha256 or ""
    data = b"".join(zoo.blobs.read(digest))
    weights = struct.pack("<f", 9.0)

    flip_bit(zoo.settings.folder / "blobs", digest, at=data.index(weights) + 3)

    assert answered(client, model).json() == before
    os.utime(zoo.settings.folder / "blobs" / key_of(digest))
    refused = answered(client, model)
    assert (refused.status_code, refused.json()["code"]) == (409, "blob_damaged")
    assert client.get(f"/v1/models/{model}").json()["state"] == "damaged"
    stored(zoo, data)
    assert answered(client, model).json() == before


@pytest.mark.usefixtures("dispatcher")
def test_a_program_that_is_damaged_before_it_is_loaded_is_refused(
    client: httpx.Client, zoo: Zoo, tmp_path: Path
):
    model = a_network(zoo, Classifier(), tmp_path)
    with zoo.transaction() as session:
        digest = session.get_one(ModelRecord, model).program_sha256 or ""
    flip_bit(zoo.settings.folder / "blobs", digest, at=200)

    refused = [answered(client, model) for _ in range(2)]

    assert [answer.json()["code"] for answer in refused] == ["blob_damaged"] * 2
    assert [answer.status_code for answer in refused] == [409, 409]


def test_a_network_beyond_the_memory_of_a_child_is_refused_and_others_are_served(
    zoo: Zoo, fork_server: ForkServerClient, client: httpx.Client, redis: PrivateRedis, tmp_path
):
    settings = zoo.settings.model_copy(update={"job_memory_bytes": 512 * 1024**2})
    bomb = a_network(zoo, made(Bomb), tmp_path)
    modest = a_network(zoo, Classifier(), tmp_path)
    queue = PredictQueue(redis.url)
    dispatcher = PredictDispatcher(replace(zoo, settings=settings), fork_server, queue)
    dispatcher.start()
    eventually(lambda: bool(queue._redis.exists("zoo:answering")))

    refused = client.post(f"/v1/models/{bomb}:predict", files=form(a_picture("red")))
    first = dispatcher._process.child.pid
    answer = client.post(f"/v1/models/{modest}:predict", files=form(a_picture("red")))

    assert refused.status_code < 500
    assert refused.json()["code"] == "out_of_memory"
    assert "at its peak" in refused.json()["detail"]
    assert answer.status_code == 200
    assert dispatcher._process.child.pid == first
    dispatcher.close()
    with closing(PredictQueue(redis.url)) as again:
        again._redis.flushall()
