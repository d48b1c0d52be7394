"""A stylizer as a real job: staged, trained, saved and recorded; then with one style of its own."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from torch import nn

from service.container import Zoo
from service.core.operations import owned_rows
from service.core.operations.jobs import jobs
from service.core.tables import JobRecord, ModelRecord
from tests.workers import test_every_method_end_to_end as every_method
from tests.workers import test_label_rankings_end_to_end as label_rankings
from tests.workers.test_every_method_end_to_end import PROJECT, SIDE
from workers.isolation.fork_client import ForkServerClient
from workers.programs.exporting import export_network
from workers.worker.run_job import WorkerContext, run_next

QUICK: Mapping[str, object] = {
    "budget": {"steps": 2}, "batch_size": 2, "num_evaluations": 1, "width": 4
}  # fmt: skip


@pytest.fixture
def context(zoo: Zoo, fork_server: ForkServerClient, tmp_path: Path) -> WorkerContext:
    """A zoo with a loss network and a dataset, both ready."""
    context = WorkerContext(zoo, fork_server, lambda: False)
    every_method.add_dataset(zoo, every_method.images())
    every_method.add_model(zoo, loss_network(tmp_path), model_id="mdl_0")
    for method, inputs in (
        ("dataset_ingestion", {"dataset_id": "dst_1"}),
        ("model_validation", {"model_id": "mdl_0"}),
    ):
        label_rankings._submit(zoo, method, inputs)
        assert run_next(context)
    return context


def loss_network(folder: Path) -> bytes:
    """Convolutions at two sizes."""
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(4, 4, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(4, 4),
    )  # fmt: skip
    export_network(network.eval(), (3, SIDE, SIDE), folder / "net.pt2")
    return (folder / "net.pt2").read_bytes()


def finished(
    context: WorkerContext, method: str, inputs: dict[str, object], **params: object
) -> JobRecord:
    """A job of the method, run to its end."""
    with context.zoo.transaction() as session:
        job_id = jobs.submit(
            session, project=PROJECT, method=method, inputs=inputs, params=params
        ).id
    assert run_next(context)
    with context.zoo.transaction() as session:
        job = owned_rows.get(session, JobRecord, project=PROJECT, id=job_id)
    assert job.state == "succeeded", job.error
    return job


def test_a_stylizer_is_a_model_and_a_baked_style_another(context: WorkerContext) -> None:
    inputs = {"teachers": ["mdl_0"], "dataset_id": "dst_1", "style_dataset_id": "dst_1"}
    job = finished(context, "dynamic_instance_normalization", inputs, **QUICK)
    baking = {"source_model_id": job.result["model_id"], "dataset_id": "dst_1"}
    baked_job = finished(context, "style_baking", baking, image=1, image_size=24)

    with context.zoo.transaction() as session:
        stylizer = session.get_one(ModelRecord, job.result["model_id"])
        baked = session.get_one(ModelRecord, baked_job.result["model_id"])
        names = [file.name for file in jobs.artifacts(session, project=PROJECT, job_id=job.id)]
    assert (stylizer.state, stylizer.task_kind) == ("ready", "stylization")
    assert stylizer.manifest["stylizer"] == {"network": "din", "width": 4}
    assert stylizer.output_shape == [3, SIDE, SIDE]
    assert stylizer.lineage["teachers"] == ["mdl_0"]
    assert stylizer.lineage["datasets"] == ["dst_1"]
    assert names == ["contact_sheet.png", "curve.png", "report.json", "report.md"]
    assert job.result["style_loss"] > 0
    assert (baked.state, baked.output_shape) == ("ready", [3, 24, 24])
    assert baked.manifest["stylizer"] is None
    assert baked.lineage["source_model_id"] == stylizer.id
