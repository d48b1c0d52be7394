"""Trainings on twelve tiny clips of a real zoo, for tests with a real worker."""

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from service.container import Zoo
from service.core.catalog import Audience
from service.core.operations import owned_rows
from service.core.operations.jobs import jobs
from service.core.tables import DatasetRecord, JobRecord, ModelRecord
from tests.clip_files import clip
from tests.methods.dataset_ingestion.uploads import zipped
from tests.workers.test_every_method_end_to_end import PROJECT, add_dataset
from workers.isolation.fork_client import ForkServerClient
from workers.worker.run_job import WorkerContext, run_next

SENTENCES = ("书", "树鱼", "看书", "卖鱼", "买", "看树")
CLIPS = [(f"{number:02d}.mkv", SENTENCES[number % len(SENTENCES)]) for number in range(12)]
QUICK: dict[str, Any] = {
    "budget": {"steps": 6},
    "batch_size": 8,
    "width": 8,
    "num_evaluations": 2,
}


def worker_with_clips(shared_zoo: Zoo, fork_server: ForkServerClient) -> WorkerContext:
    """A worker of the zoo, which gets twelve clips of six sentences."""
    context = WorkerContext(shared_zoo, fork_server, lambda: False)
    table = "path,transcript\n" + "".join(f"{name},{text}\n" for name, text in CLIPS)
    files = {
        name: clip(form="matroska", frames=6 + 2 * number, sound=0.3 + 0.05 * number)
        for number, (name, _) in enumerate(CLIPS)
    }
    add_dataset(shared_zoo, zipped({**files, "clips.csv": table.encode()}))
    with shared_zoo.transaction() as session:
        dataset = session.get_one(DatasetRecord, "dst_1")
        dataset.kind = "clips"
        dataset.manifest = {"name": "talk", "kind": "clips", "crop": "full"}
    ingestion = submitted(shared_zoo, "dataset_ingestion", {"dataset_id": "dst_1"})
    assert run_next(context)
    assert job_of(shared_zoo, ingestion).result["state"] == "ready"
    return context


def submitted(zoo: Zoo, method: str, inputs: dict[str, object], **params: object) -> str:
    with zoo.transaction() as session:
        return jobs.submit(
            session,
            project=PROJECT,
            method=method,
            inputs=inputs,
            params=params,
            audience=Audience.INTERNAL if method == "dataset_ingestion" else Audience.PUBLIC,
        ).id


def training(zoo: Zoo, **params: object) -> str:
    return submitted(zoo, "speech_recognizer", {"dataset_id": "dst_1"}, **QUICK | params)


def job_of(zoo: Zoo, job_id: str) -> JobRecord:
    with zoo.transaction() as session:
        return owned_rows.get(session, JobRecord, project=PROJECT, id=job_id)


def reader_of(zoo: Zoo, job: JobRecord) -> ModelRecord:
    with zoo.transaction() as session:
        return owned_rows.get(session, ModelRecord, project=PROJECT, id=job.result["model_id"])


def weights_of(zoo: Zoo, job_id: str, folder: Path) -> dict[str, torch.Tensor]:
    job = job_of(zoo, job_id)
    assert job.state == "succeeded", job.error
    path = folder / f"{job_id}.safetensors"
    zoo.blobs.fetch(reader_of(zoo, job).upload_sha256 or "", path)
    return load_file(path)


def assert_same(actual: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> None:
    """Equal to the last bit."""
    assert expected.keys() == actual.keys()
    for name, value in expected.items():
        torch.testing.assert_close(actual[name], value, rtol=0, atol=0)
