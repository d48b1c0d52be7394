"""No job computes with a damaged file, and damage is never a verdict on an upload."""

import hashlib
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from service.container import Zoo
from service.core.catalog import Audience
from service.core.operations import owned_rows
from service.core.operations.jobs import jobs
from service.core.operations.zoo import models
from service.core.tables import DatasetRecord, ImageRecord, JobRecord, ModelRecord
from tests.disks import flip_bit
from tests.workers.test_every_method_end_to_end import (
    PROJECT,
    add_dataset,
    add_model,
    images,
    network,
    stored,
)
from workers.isolation.fork_client import ForkServerClient
from workers.worker.run_job import WorkerContext, run_next

RunJob = Callable[..., JobRecord]


@pytest.fixture
def context(zoo: Zoo, fork_server: ForkServerClient) -> WorkerContext:
    return WorkerContext(zoo, fork_server, lambda: False)


@pytest.fixture
def run_job(context: WorkerContext) -> RunJob:
    def run(method: str, **inputs: object) -> JobRecord:
        with context.zoo.transaction() as session:
            job = jobs.submit(
                session, project=PROJECT, method=method, inputs=inputs, audience=Audience.INTERNAL
            )
        assert run_next(context)
        return job_of(context.zoo, job.id)

    return run


def job_of(zoo: Zoo, job_id: str) -> JobRecord:
    with zoo.transaction() as session:
        return owned_rows.get(session, JobRecord, project=PROJECT, id=job_id)


def model_of(zoo: Zoo, model_id: str = "mdl_1") -> ModelRecord:
    with zoo.transaction() as session:
        return session.get_one(ModelRecord, model_id)


def dataset_of(zoo: Zoo) -> DatasetRecord:
    with zoo.transaction() as session:
        return session.get_one(DatasetRecord, "dst_1")


def flip(zoo: Zoo, sha256: str | None, *, at: int = 200) -> None:
    flip_bit(zoo.settings.folder / "blobs", sha256 or "", at=at)


def test_a_job_does_not_use_a_damaged_program_and_works_after_the_repair(
    run_job: RunJob, zoo: Zoo, tmp_path: Path
):
    data = network(tmp_path, 0)
    add_dataset(zoo, images())
    add_model(zoo, data, model_id="mdl_1")
    run_job("dataset_ingestion", dataset_id="dst_1")
    run_job("model_validation", model_id="mdl_1")
    flip(zoo, model_of(zoo).program_sha256)

    job = run_job("depara", dataset_id="dst_1", model_id="mdl_1")

    assert (job.state, job.error["code"]) == ("failed", "blob_damaged")
    assert model_of(zoo).state == "damaged"
    stored(zoo, data)
    assert model_of(zoo).state == "ready"
    assert run_job("depara", dataset_id="dst_1", model_id="mdl_1").state == "succeeded"


def test_a_damaged_upload_is_no_rejected_model(
    context: WorkerContext, run_job: RunJob, zoo: Zoo, tmp_path: Path
):
    data = network(tmp_path, 0)
    add_model(zoo, data, model_id="mdl_1")
    flip(zoo, hashlib.sha256(data).hexdigest())

    job = run_job("model_validation", model_id="mdl_1")

    assert (job.state, job.error["code"]) == ("failed", "blob_damaged")
    assert model_of(zoo).state == "damaged"
    stored(zoo, data)
    assert model_of(zoo).state == "uploaded"
    assert run_next(context)
    assert model_of(zoo).state == "ready"


def test_a_dataset_whose_packed_images_are_damaged_is_packed_again_from_its_upload(
    context: WorkerContext, run_job: RunJob, zoo: Zoo
):
    archive = images()
    add_dataset(zoo, archive)
    run_job("dataset_ingestion", dataset_id="dst_1")
    packed = dataset_of(zoo).packed_sha256
    flip(zoo, packed)
    with pytest.raises(Exception, match="damaged"):
        zoo.blobs.verify(packed or "")
    assert dataset_of(zoo).state == "damaged"

    stored(zoo, archive)

    assert dataset_of(zoo).state == "uploaded"
    assert run_next(context)
    assert (dataset_of(zoo).state, dataset_of(zoo).packed_sha256) == ("ready", packed)
    zoo.blobs.verify(packed or "")
    with zoo.transaction() as session:
        assert session.query(ImageRecord).count() == 12


def test_a_training_starts_over_without_its_damaged_checkpoint(
    context: WorkerContext, zoo: Zoo, tmp_path: Path
):
    add_model(zoo, network(tmp_path, 0), model_id="mdl_1")
    checkpoint = stored(zoo, b"a checkpoint")
    with zoo.transaction() as session:
        job = jobs.submit(
            session,
            project=PROJECT,
            method="model_validation",
            inputs={"model_id": "mdl_1"},
            audience=Audience.INTERNAL,
        )
        job.checkpoint_sha256 = checkpoint
    flip(zoo, checkpoint, at=3)

    assert run_next(context)

    assert job_of(zoo, job.id).state == "succeeded"


def saved_by_a_user(folder: Path) -> bytes:
    """An archive as torch.export.save writes it, with sample inputs."""
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 14 * 14, 4))
    exported = torch.export.export(net.eval(), (torch.randn(2, 3, 16, 16),))
    torch.export.save(exported, folder / "user.pt2")
    return (folder / "user.pt2").read_bytes()


def test_an_upload_with_sample_inputs_is_stored_without_them_and_repairs_its_equals(
    run_job: RunJob, zoo: Zoo, tmp_path: Path
):
    data = saved_by_a_user(tmp_path)
    add_model(zoo, data, model_id="mdl_1")
    run_job("model_validation", model_id="mdl_1")
    model = model_of(zoo)
    content = b"".join(zoo.blobs.read(models.content_digest(model, zoo.blobs)))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        sizes = {info.filename: info.file_size for info in archive.infolist()}
    flip(zoo, model.upload_sha256)
    with pytest.raises(Exception, match="damaged"):
        zoo.blobs.verify(model.upload_sha256 or "")

    add_model(zoo, data, model_id="mdl_2")
    run_job("model_validation", model_id="mdl_2")

    assert model.upload_sha256 == model.program_sha256 != hashlib.sha256(data).hexdigest()
    assert model.upload_bytes == len(content)
    assert sizes["archive/data/sample_inputs/model.pt"] == 0
    assert (model_of(zoo).state, model_of(zoo, "mdl_2").state) == ("ready", "ready")
    assert model_of(zoo, "mdl_2").upload_sha256 == model.upload_sha256
