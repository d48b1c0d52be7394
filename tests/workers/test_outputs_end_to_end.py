"""A network that ends in a softmax is scored and taught from like the same network without it."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from service.container import Zoo
from service.core.operations import owned_rows
from service.core.operations.jobs import jobs
from service.core.tables import JobRecord, ModelRecord
from tests.workers import test_label_rankings_end_to_end as label_rankings
from workers.isolation.fork_client import ForkServerClient
from workers.programs.exporting import export_network
from workers.worker.run_job import WorkerContext, run_next

PROJECT, SIDE = "default", 16
CLASSES = ["bright", "dark"]


class Judge(nn.Module):
    """Nearly perfect logits for bright and dark images, in several forms."""

    def __init__(self, end: nn.Module, *, several: object = None) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([[30.0], [-30.0]]))
        self.end = end
        self.several = several

    def forward(self, images: Tensor) -> Any:
        brightness = images.mean(dim=(1, 2, 3)).unsqueeze(1) - 0.48
        scores = self.end(brightness @ self.weight.T)
        if self.several is None:
            return scores
        return {"aux": -scores, "out": scores, "features": images.flatten(1)[:, :5]}


NETWORKS = {
    "logits": Judge(nn.Identity()),
    "probabilities": Judge(nn.Softmax(dim=1)),
    "log_probabilities": Judge(nn.LogSoftmax(dim=1)),
    "several": Judge(nn.Softmax(dim=1), several="heads"),
}


@pytest.fixture(scope="module")
def context(
    shared_zoo: Zoo, fork_server: ForkServerClient, tmp_path_factory: pytest.TempPathFactory
) -> WorkerContext:
    """A worker of a zoo with a labeled set and one classifier in several forms."""
    folder = tmp_path_factory.mktemp("networks")
    label_rankings._add_dataset(shared_zoo)
    for name, network in NETWORKS.items():
        export_network(network.eval(), (3, SIDE, SIDE), folder / "net.pt2")
        data = (folder / "net.pt2").read_bytes()
        label_rankings._add_model(shared_zoo, data, f"mdl_{name}", classifier=True)
        with shared_zoo.transaction() as session:
            model = session.get_one(ModelRecord, f"mdl_{name}")
            output = {"output": "out"} if name == "several" else {}
            model.manifest = {**model.manifest, "classes": CLASSES, **output}
    context = WorkerContext(shared_zoo, fork_server, lambda: False)
    label_rankings._submit(shared_zoo, "dataset_ingestion", {"dataset_id": "dst_1"})
    for name in NETWORKS:
        label_rankings._submit(shared_zoo, "model_validation", {"model_id": f"mdl_{name}"})
    while run_next(context):
        pass
    return context


def model(context: WorkerContext, name: str) -> ModelRecord:
    with context.zoo.transaction() as session:
        return owned_rows.get(session, ModelRecord, project=PROJECT, id=f"mdl_{name}")


def done(context: WorkerContext, method: str, inputs: dict[str, Any], **params: Any) -> JobRecord:
    with context.zoo.transaction() as session:
        job = jobs.submit(session, project=PROJECT, method=method, inputs=inputs, params=params)
    while run_next(context):
        pass
    with context.zoo.transaction() as session:
        job = owned_rows.get(session, JobRecord, project=PROJECT, id=job.id)
    assert job.state == "succeeded", job.error
    return job


def test_the_facts_say_what_each_network_returns(context: WorkerContext):
    scales = {name: model(context, name).output_scale for name in NETWORKS}

    assert scales == {
        "logits": "logits",
        "probabilities": "probabilities",
        "log_probabilities": "log_probabilities",
        "several": "probabilities",
    }
    assert model(context, "several").output == "out"
    assert [output["name"] for output in model(context, "several").outputs] == [
        "aux", "out", "features",
    ]  # fmt: skip


def test_the_same_weights_are_recognized_in_every_form(context: WorkerContext):
    others = {name: set(model(context, name).same_weights_as or []) for name in NETWORKS}

    ids = {f"mdl_{name}" for name in NETWORKS}
    assert others == {name: ids - {f"mdl_{name}"} for name in NETWORKS}


def test_a_perfect_network_has_the_same_leep_in_every_form(context: WorkerContext):
    def leep(name: str) -> float:
        inputs = {"model_id": f"mdl_{name}", "dataset_id": "dst_1"}
        return done(context, "transferability_estimators", inputs).result["scores"]["leep"]

    scores = {name: leep(name) for name in NETWORKS}

    assert scores["logits"] > -0.2
    assert scores == pytest.approx(dict.fromkeys(NETWORKS, scores["logits"]), abs=1e-4)


def report_of(context: WorkerContext, job: JobRecord, folder: Path) -> dict[str, Any]:
    with context.zoo.transaction() as session:
        files = {f.name: f for f in jobs.artifacts(session, project=PROJECT, job_id=job.id)}
    path = folder / f"{job.id}.json"
    context.zoo.blobs.fetch(files["report.json"].sha256, path)
    return json.loads(path.read_text())


def distilled(context: WorkerContext, name: str) -> JobRecord:
    return done(
        context,
        "knowledge_distillation",
        {"teachers": [f"mdl_{name}"], "dataset_id": "dst_1"},
        student={"architecture": "plain", "width": 4, "image_size": 8},
        budget={"steps": 4},
        batch_size=8,
        num_evaluations=1,
    )


def test_every_form_teaches_the_same_student(context: WorkerContext, tmp_path: Path):
    reports = {name: report_of(context, distilled(context, name), tmp_path) for name in NETWORKS}

    losses = {name: report["history"][-1]["soft_loss"] for name, report in reports.items()}
    assert losses == pytest.approx(dict.fromkeys(NETWORKS, losses["logits"]), rel=1e-3)
    assert {report["quality"]["teacher_accuracy"] for report in reports.values()} == {
        reports["logits"]["quality"]["teacher_accuracy"]
    }


def test_a_training_near_chance_says_so(context: WorkerContext, tmp_path: Path):
    job = done(
        context,
        "knowledge_distillation",
        {"teachers": ["mdl_logits"], "dataset_id": "dst_1"},
        student={"architecture": "plain", "width": 4, "image_size": 8},
        budget={"steps": 1},
        learning_rate=1e-7,
        batch_size=8,
        num_evaluations=1,
    )

    quality = job.result["accuracy"]
    assert quality <= job.result["chance"]
    with context.zoo.transaction() as session:
        events = jobs.events_after(session, job_id=job.id, seq=0)
        codes = [event.data["code"] for event in events if event.type == "warning"]
    assert codes == ["near_chance"]
    assert [warning["code"] for warning in job.result["warnings"]] == ["near_chance"]
    assert report_of(context, job, tmp_path)["warnings"] == job.result["warnings"]
