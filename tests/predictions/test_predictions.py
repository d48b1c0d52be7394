"""Images go through a network at every door, in one pass for all who wait, whatever becomes of the child."""

import io
import signal
import threading
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import httpx
import numpy as np
import psutil
import pytest
import torch
from PIL import Image
from pydantic import SecretStr
from torch import nn

from service.adapters.predict_queue import PredictQueue
from service.container import Zoo, zoo_from
from service.core.operations.access import keys
from service.core.predict_messages import OutputKind, PredictRequest
from service.core.tables import ModelRecord
from service.embedded.redis import PrivateRedis
from service.rpc.stubs.zoo.v1 import model_service_pb2 as wire
from service.settings import Settings
from tests.rest.served import a_model, client_of, serving, stored
from tests.rpc.channels import Dialled, listening
from tests.waiting import eventually
from workers.isolation.fork_client import ForkServerClient
from workers.programs.exporting import export_network
from workers.worker.predict_dispatcher import PredictDispatcher, _groups

SIDE = 16


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


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateRedis]:
    server = PrivateRedis(tmp_path_factory.mktemp("redis"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def fork_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkServerClient]:
    fork_server = ForkServerClient(tmp_path_factory.mktemp("cache"))
    fork_server.warm_up()
    yield fork_server
    fork_server.close()


@pytest.fixture
def zoo(zoo_settings: Settings, redis: PrivateRedis) -> Iterator[Zoo]:
    zoo = zoo_from(zoo_settings.model_copy(update={"redis_url": SecretStr(redis.url)}))
    yield zoo
    zoo.close()


@pytest.fixture
def dispatcher(
    zoo: Zoo, fork_server: ForkServerClient, redis: PrivateRedis
) -> Iterator[PredictDispatcher]:
    line = PredictQueue(redis.url)
    dispatcher = PredictDispatcher(zoo, fork_server, line)
    dispatcher.start()
    eventually(lambda: bool(line._redis.exists("zoo:answering")))
    yield dispatcher
    dispatcher.close()
    line = PredictQueue(redis.url)
    line._redis.flushall()
    line.close()


@pytest.fixture
def token(zoo: Zoo) -> str:
    with zoo.transaction() as session:
        first = keys.issue_first(session)
    assert first is not None
    return first.token


@pytest.fixture
def door(zoo: Zoo, token: str) -> Iterator[httpx.Client]:
    with serving(zoo) as url, client_of(url, token) as client:
        yield client


def a_network(zoo: Zoo, network: nn.Module, folder: Path, **changes: object) -> str:
    """A model that is ready, with its program in the store."""
    file = folder / "network.pt2"
    export_network(network.eval(), (3, SIDE, SIDE), file)
    digest = stored(zoo, file.read_bytes())
    spec = {"channels": 3, "height": SIDE, "width": SIDE}
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


def a_picture(colour: str, size: tuple[int, int] = (40, 30)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, "PNG")
    return file.getvalue()


def form(*images: bytes) -> list[tuple[str, tuple[str, bytes]]]:
    return [("images", (f"{place}.png", data)) for place, data in enumerate(images)]


@pytest.mark.usefixtures("dispatcher")
def test_a_classifier_names_its_likeliest_classes(door: httpx.Client, zoo: Zoo, tmp_path: Path):
    model = a_network(zoo, Classifier(), tmp_path)

    answer = door.post(
        f"/v1/models/{model}:predict?top_k=1", files=form(a_picture("red"), a_picture("blue"))
    )

    assert answer.status_code == 200
    names = [one["classes"][0]["name"] for one in answer.json()["items"]]
    assert names == ["red", "blue"]


@pytest.mark.usefixtures("dispatcher")
def test_one_image_may_be_the_body_itself(door: httpx.Client, zoo: Zoo, tmp_path: Path):
    model = a_network(zoo, Classifier(), tmp_path)

    answer = door.post(
        f"/v1/models/{model}:predict",
        content=a_picture("blue"),
        headers={"Content-Type": "image/png"},
    )

    (found,) = answer.json()["items"]
    assert found["classes"][0]["name"] == "blue"


@pytest.mark.usefixtures("dispatcher")
def test_a_dense_network_answers_with_pictures(door: httpx.Client, zoo: Zoo, tmp_path: Path):
    model = a_network(zoo, nn.Identity(), tmp_path, task_kind="denoising")

    one = door.post(f"/v1/models/{model}:predict", files=form(a_picture("red")))
    two = door.post(f"/v1/models/{model}:predict", files=form(a_picture("red"), a_picture("blue")))

    assert one.headers["content-type"] == "image/png"
    picture = np.asarray(Image.open(io.BytesIO(one.content)))
    assert (picture == [255, 0, 0]).all()
    assert zipfile.ZipFile(io.BytesIO(two.content)).namelist() == ["0.png", "1.png"]


@pytest.mark.usefixtures("dispatcher")
def test_features_of_a_layer_come_as_an_array(door: httpx.Client, zoo: Zoo, tmp_path: Path):
    model = a_network(zoo, Classifier(), tmp_path)

    answer = door.post(
        f"/v1/models/{model}:predict?layer=pool", files=form(a_picture("red"), a_picture("blue"))
    )

    found = np.load(io.BytesIO(answer.content), allow_pickle=False)
    assert found.reshape(2, 3).tolist() == [[1, 0, 0], [0, 0, 1]]


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
def test_what_cannot_be_answered_is_refused_by_name(
    door: httpx.Client,
    zoo: Zoo,
    tmp_path: Path,
    query: str,
    images: list[bytes],
    code: str,
    pointer: str,
):
    model = a_network(zoo, Classifier(), tmp_path)

    answer = door.post(f"/v1/models/{model}:predict?{query}", files=form(*images) or None)

    assert answer.status_code == 422
    told = answer.json()
    assert told["code"] == code
    assert told["errors"][0]["pointer"] == pointer


def test_without_a_worker_the_asker_hears_so_and_nothing_is_queued(
    door: httpx.Client, zoo: Zoo, redis: PrivateRedis, tmp_path: Path
):
    model = a_network(zoo, Classifier(), tmp_path)

    answer = door.post(f"/v1/models/{model}:predict", files=form(a_picture("red")))

    assert (answer.status_code, answer.json()["code"]) == (503, "no_prediction_worker")
    with closing(PredictQueue(redis.url)) as line:
        assert line._redis.llen("zoo:questions") == 0


def test_a_model_that_is_not_ready_is_not_asked(door: httpx.Client, zoo: Zoo):
    with zoo.transaction() as session:
        model = a_model(session, state="checking").id

    answer = door.post(f"/v1/models/{model}:predict", files=form(a_picture("red")))

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

    assert answer.classes.images[0].classes[0].name == "blue"
    assert np.load(io.BytesIO(features.npy), allow_pickle=False).shape == (1, 3, 1, 1)


def test_a_killed_child_is_replaced_and_the_next_question_answered(
    door: httpx.Client, zoo: Zoo, dispatcher: PredictDispatcher, tmp_path: Path
):
    model = a_network(zoo, Classifier(), tmp_path)
    ask = f"/v1/models/{model}:predict"
    door.post(ask, files=form(a_picture("red")))
    assert dispatcher._warm is not None
    first = dispatcher._warm.child.pid
    assert first is not None

    psutil.Process(first).send_signal(signal.SIGKILL)
    answer = door.post(ask, files=form(a_picture("red")))

    assert answer.status_code == 200
    assert dispatcher._warm.child.pid != first


@pytest.mark.usefixtures("dispatcher")
def test_many_askers_each_get_their_own_answer(door: httpx.Client, zoo: Zoo, tmp_path: Path):
    model = a_network(zoo, Classifier(), tmp_path)
    colours = ["red", "blue"] * 8
    gate = threading.Barrier(len(colours))

    def ask(colour: str) -> str:
        gate.wait()
        answer = door.post(f"/v1/models/{model}:predict", files=form(a_picture(colour)))
        return str(answer.json()["items"][0]["classes"][0]["name"])

    with ThreadPoolExecutor(len(colours)) as pool:
        assert list(pool.map(ask, colours)) == colours


def test_kindred_questions_are_answered_together_the_oldest_first():
    def question(program: str, images: int) -> PredictRequest:
        return PredictRequest(
            program, program, {}, OutputKind.CLASSES, None, 5, (b"",) * images, 0.0
        )

    waiting = [question("a", 2), question("b", 1), question("a", 60), question("a", 3)]

    sizes = [[(q.program, len(q.images)) for q in group] for group in _groups(waiting)]

    assert sizes == [[("a", 2), ("a", 60)], [("a", 3)], [("b", 1)]]


def test_a_question_that_nobody_waits_for_is_dropped(redis: PrivateRedis):
    line = PredictQueue(redis.url)
    try:
        assert line.take(most=4, seconds=0.1) == []
        old = PredictRequest("old", "p", {}, None, None, 5, (), expires_at=0.0)
        line._redis.rpush("zoo:questions", old.packed())
        (taken,) = line.take(most=4, seconds=0.1)
        assert taken.expired
    finally:
        line.close()


def test_the_program_of_a_removed_model_is_missed_by_name(
    door: httpx.Client, zoo: Zoo, dispatcher: PredictDispatcher, tmp_path: Path
):
    model = a_network(zoo, Classifier(), tmp_path)
    with zoo.transaction() as session:
        session.get_one(ModelRecord, model).program_sha256 = "0" * 64

    answer = door.post(f"/v1/models/{model}:predict", files=form(a_picture("red")))

    assert answer.json()["code"] == "blob_not_found"
    assert dispatcher._threads[0].is_alive()
