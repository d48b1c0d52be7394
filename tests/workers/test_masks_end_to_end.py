"""A segmentation student is judged by mean intersection over union on the masks of a dataset."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from service.container import Zoo
from service.core.errors import InvalidRequestError
from service.core.operations import dataset_labels, owned_rows
from service.core.operations.jobs import jobs
from service.core.operations.zoo import datasets
from service.core.tables import DatasetRecord, JobRecord, ModelRecord
from tests.workers import test_label_rankings_end_to_end as label_rankings
from tests.workers.test_every_method_end_to_end import add_dataset
from workers.isolation.fork_client import ForkServerClient
from workers.programs.exporting import export_network
from workers.worker.run_job import WorkerContext, run_next

pytestmark = pytest.mark.slow

PROJECT = "default"
SIDE = 16
CLASSES = ["dark", "bright"]


def masked_images(count: int = 24) -> bytes:
    """Images of a dark and a bright part, with masks that say which is which."""
    numbers = np.random.default_rng(0)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for index in range(count):
            bright = np.zeros((SIDE, SIDE), dtype=np.uint8)
            bright[:, : 2 + index % 12] = 1
            pixels = numbers.integers(0, 80, (SIDE, SIDE, 3), dtype=np.uint8)
            pixels += bright[..., None] * 150
            for name, data in ((f"images/{index}.png", pixels), (f"masks/{index}.png", bright)):
                file = io.BytesIO()
                Image.fromarray(data).save(file, "PNG")
                archive.writestr(name, file.getvalue())
    return buffer.getvalue()


def bright_columns(name: str) -> list[int]:
    """One row of the mask of an image."""
    width = 2 + int(Path(name).stem) % 12
    return [1] * width + [0] * (SIDE - width)


def segmentation(folder: Path) -> bytes:
    """A network that calls every pixel bright whose colors are above one half."""
    layer = nn.Conv2d(3, 2, 1)
    with torch.no_grad():
        layer.weight[:] = torch.tensor([-4.0, 4.0]).view(2, 1, 1, 1)
        layer.bias[:] = torch.tensor([6.0, -6.0])
    export_network(nn.Sequential(layer).eval(), (3, SIDE, SIDE), folder / "net.pt2")
    return (folder / "net.pt2").read_bytes()


@pytest.fixture
def context(zoo: Zoo, fork_server: ForkServerClient, tmp_path: Path) -> WorkerContext:
    """A worker of a zoo with a set of masks and a network that predicts them."""
    context = WorkerContext(zoo, fork_server, lambda: False)
    add_dataset(zoo, masked_images())
    label_rankings._add_model(zoo, segmentation(tmp_path), "mdl_0", classifier=True)
    with zoo.transaction() as session:
        dataset = session.get_one(DatasetRecord, "dst_1")
        dataset.manifest = {"name": "light", "layout": "masks", "labels": CLASSES}
        teacher = session.get_one(ModelRecord, "mdl_0")
        task = {"kind": "segmentation", "text": ""}
        teacher.task_kind = "segmentation"
        teacher.manifest = {**teacher.manifest, "task": task, "classes": CLASSES}
    label_rankings._submit(zoo, "dataset_ingestion", {"dataset_id": "dst_1"})
    label_rankings._submit(zoo, "model_validation", {"model_id": "mdl_0"})
    while run_next(context):
        pass
    return context


def submit(zoo: Zoo, method: str, inputs: dict[str, object], **params: object) -> str:
    with zoo.transaction() as session:
        budget = {"budget": {"steps": 20}, "batch_size": 8, **params}
        inputs = {**inputs, "dataset_id": "dst_1"}
        return jobs.submit(
            session, project=PROJECT, method=method, inputs=inputs, params=budget
        ).id


def test_a_student_of_pixels_is_measured_on_masks(context: WorkerContext):
    student = {"architecture": "unet", "width": 4, "image_size": SIDE}
    inputs = {"teachers": ["mdl_0"], "eval_dataset_id": "dst_1"}
    job_id = submit(context.zoo, "knowledge_distillation", inputs, student=student)

    assert run_next(context)

    with context.zoo.transaction() as session:
        dataset = session.get_one(DatasetRecord, "dst_1")
        assert (dataset.state, dataset.label_kind, dataset.labels) == ("ready", "mask", CLASSES)
        assert context.zoo.blobs.exists(dataset.masks_sha256 or "")
        mask = datasets.mask_location(session, project=PROJECT, dataset_id="dst_1", position=3)
        pixels = np.asarray(Image.open(io.BytesIO(mask.read(context.zoo.blobs))))
        assert pixels[0].tolist() == bright_columns(mask.image.name)
        job = owned_rows.get(session, JobRecord, project=PROJECT, id=job_id)
        assert job.state == "succeeded", job.error
        measured = session.get_one(ModelRecord, job.result["model_id"]).lineage["measured"]
        assert measured["teacher_mean_iou"] > 0.95
        assert 0 < measured["mean_iou"] <= 1
        with pytest.raises(InvalidRequestError) as refused:
            dataset_labels.require_labeled(dataset)
    assert refused.value.code == "target_has_masks"
    with pytest.raises(InvalidRequestError) as refused:
        submit(context.zoo, "fine_tune", {"source_model_id": "mdl_0"})
    assert refused.value.code == "target_has_masks"
