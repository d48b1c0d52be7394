"""A training is submitted, watched, canceled and gone on with through each api, while a worker runs it."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from service.container import zoo_from
from service.core.manifest import TaskKind
from service.core.operations.access import keys
from service.core.tables import ModelRecord
from service.embedded.postgres import PrivatePostgres
from service.settings import Settings
from tests.apis.training_apis import (
    METHOD,
    STUDENT,
    Event,
    OverClient,
    OverRest,
    OverRpc,
    OverShell,
    ServedZoo,
)
from tests.rest.served import serving
from tests.rpc.channels import listening
from tests.workers import test_label_rankings_end_to_end as label_rankings
from workers.isolation.fork_client import ForkServerClient
from workers.programs.exporting import export_network
from workers.worker.run_job import WorkerContext, run_next
from zooscope import ZooClient, ZooClientError

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def served_zoo(
    postgres: PrivatePostgres,
    fork_server: ForkServerClient,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[ServedZoo]:
    """A labeled set, a classifier that knows its labels, both apis, and a worker."""
    postgres.create_database("taught", template="template")
    url: Any = postgres.url("taught")
    folder = tmp_path_factory.mktemp("taught")
    zoo = zoo_from(Settings(home=folder, database_url=url))
    with zoo.transaction() as session:
        token = keys.issue(session, project="default", name="a key", scopes=["admin"]).token
    context = WorkerContext(zoo, fork_server, lambda: False)
    _stock(context, label_rankings._network(folder, 0), _of_pixels(folder))
    with working(context), serving(zoo) as rest, listening(zoo) as rpc:
        yield ServedZoo(zoo, token, rest, rpc)
    zoo.close()
    postgres.drop_database("taught")


def _of_pixels(folder: Path) -> bytes:
    """A network that answers every pixel."""
    torch.manual_seed(0)
    layers = nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.Conv2d(6, 2, 1)
    export_network(
        nn.Sequential(*layers).eval(), (3, label_rankings.SIDE, label_rankings.SIDE), folder / "p"
    )
    return (folder / "p").read_bytes()


def _stock(context: WorkerContext, network: bytes, of_pixels: bytes) -> None:
    """Put images and two networks into the zoo, checked."""
    label_rankings._add_dataset(context.zoo)
    label_rankings._add_model(context.zoo, network, "mdl_0", classifier=True)
    label_rankings._add_model(context.zoo, of_pixels, "mdl_1", classifier=False)
    with context.zoo.transaction() as session:
        teacher = session.get_one(ModelRecord, "mdl_0")
        teacher.manifest = {**teacher.manifest, "classes": ["bright", "dark", "red", "blue"]}
        dense = session.get_one(ModelRecord, "mdl_1")
        dense.task_kind = TaskKind.SEGMENTATION
        dense.manifest = {**dense.manifest, "classes": ["sky", "road"]}
    label_rankings._submit(context.zoo, "dataset_ingestion", {"dataset_id": "dst_1"})
    for model_id in ("mdl_0", "mdl_1"):
        label_rankings._submit(context.zoo, "model_validation", {"model_id": model_id})
    while run_next(context):
        pass


class working:  # noqa: N801 - reads as a clause
    """Inside, a worker runs whatever is queued."""

    def __init__(self, context: WorkerContext) -> None:
        self._context, self._over = context, threading.Event()
        self._thread = threading.Thread(target=self._work)

    def _work(self) -> None:
        while not self._over.is_set():
            if not run_next(self._context):
                time.sleep(0.02)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *exc_info: object) -> None:
        self._over.set()
        self._thread.join()


APIS: list[Callable[[ServedZoo], Any]] = [OverRest, OverRpc, OverClient, OverShell]


@pytest.mark.parametrize("seed", range(4), ids=[api.__name__ for api in APIS])
def test_a_training_is_watched_cancelled_and_gone_on_with(served_zoo: ServedZoo, seed: int):
    with closing(APIS[seed](served_zoo)) as api:
        job_id = api.submit(seed)
        before = watched_until_measured(api, job_id, after=0)
        api.retry(job_id)
        later = watched_until_measured(api, job_id, after=before[-1]["seq"])

    assert (before[0]["type"], before[-1]["type"]) == ("queued", "cancelled")
    assert (later[0]["type"], later[-1]["type"]) == ("queued", "cancelled")
    assert [event["seq"] for event in before + later] == list(range(1, len(before + later) + 1))
    first, again = (
        next(event["data"] for event in events if event["type"] == "metrics")
        for events in (before, later)
    )
    assert 0 <= first["accuracy"] <= 1
    assert again["step"] > first["step"]


def watched_until_measured(api: Any, job_id: str, *, after: int) -> list[Event]:
    """The events of a job that is canceled as soon as it tells a number."""
    events: list[Event] = []
    for event in api.watch(job_id, after):
        if event["type"] == "metrics" and all(earlier["type"] != "metrics" for earlier in events):
            api.cancel(job_id)
        events.append(event)
    return events


def a_short_training(zoo: ZooClient, budget: dict[str, float]) -> Any:
    """The job, once it has ended."""
    job = zoo.jobs.submit(
        METHOD,
        teachers=["mdl_0"],
        dataset_id="dst_1",
        student=STUDENT,
        params={"batch_size": 8, "num_evaluations": 1},
        budget=budget,
    )
    return zoo.jobs.wait(job["id"])


def test_the_student_is_fetched_and_loaded_by_plain_pytorch(served_zoo: ServedZoo, tmp_path):
    with ZooClient(served_zoo.rest, key=served_zoo.token) as zoo:
        made = a_short_training(zoo, {"steps": 2})["result"]["model_id"]
        path = zoo.models.download(made, tmp_path / "student.pt2")
        side = zoo.models.show(made)["input"]["height"]

    student = torch.export.load(path).module()
    logits = student(torch.rand(3, 3, side, side))

    assert logits.shape == (3, 4)


def test_a_student_gives_the_next_one_its_first_weights(served_zoo: ServedZoo):
    config = {"params": {"batch_size": 8, "num_evaluations": 1}, "budget": {"steps": 2}}

    with ZooClient(served_zoo.rest, key=served_zoo.token) as zoo:

        def made(**student: Any) -> str:
            student_params = {**STUDENT, **student}
            job = zoo.jobs.submit(
                METHOD, teachers=["mdl_0"], dataset_id="dst_1", student=student_params, **config
            )
            return zoo.jobs.wait(job["id"])["result"]["model_id"]

        first = made()
        later = zoo.models.show(made(init=first))
        with pytest.raises(ZooClientError) as refused:
            made(init=first, width=8)

    assert later["lineage"]["params"]["student"]["init"] == first
    assert refused.value.code == "invalid_student"
    with served_zoo.zoo.transaction() as session:
        record = session.get_one(ModelRecord, first)
        assert (record.output_shape, record.batch_norms) == ([4], 3)


@pytest.mark.parametrize(
    ("method", "images"),
    [
        (METHOD, {"dataset_id": "dst_1"}),
        ("adversarial_distillation", {"eval_dataset_id": "dst_1"}),
    ],
)
def test_a_network_of_pixels_teaches_one_that_is_rated_by_agreement(
    served_zoo: ServedZoo, method: str, images: dict[str, str]
):
    with ZooClient(served_zoo.rest, key=served_zoo.token) as zoo:
        job = zoo.jobs.submit(
            method,
            teachers=["mdl_1"],
            **images,
            student={"architecture": "unet", "width": 4},
            params={"batch_size": 8, "num_evaluations": 1},
            budget={"steps": 2},
        )
        done = zoo.jobs.wait(job["id"])

    assert done["state"] == "succeeded", done.get("error")
    assert 0 <= done["result"]["agreement"] <= 1
    assert "mean_iou" not in done["result"]


def test_a_budget_of_seconds_is_spent_and_counted(served_zoo: ServedZoo):
    with ZooClient(served_zoo.rest, key=served_zoo.token) as zoo:
        done = a_short_training(zoo, {"seconds": 1.5})

    started, finished = map(datetime.fromisoformat, (done["started_at"], done["finished_at"]))
    assert (done["progress"]["step"], done["progress"]["total"]) == (2, 2)
    assert 1.5 <= done["result"]["seconds"] <= (finished - started).total_seconds()


def test_a_job_for_a_gpu_is_left_by_a_worker_without_one(served_zoo: ServedZoo):
    with ZooClient(served_zoo.rest, key=served_zoo.token) as zoo:
        job = zoo.jobs.submit(METHOD, teachers=["mdl_0"], dataset_id="dst_1", device="cuda")
        later = a_short_training(zoo, {"steps": 2})

        waiting = zoo.jobs.show(job["id"])
        zoo.jobs.cancel(job["id"])

    assert (waiting["state"], later["state"]) == ("queued", "succeeded")
