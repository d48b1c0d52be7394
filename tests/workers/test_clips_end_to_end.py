"""An upload of clips is decoded in the sandbox and stored; a job's process loads it as tensors."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from sqlalchemy import select

from service.container import Zoo
from service.core.errors import InvalidRequestError
from service.core.operations.jobs import jobs
from service.core.tables import ClipRecord, DatasetRecord, JobRecord
from tests.clip_files import clip, speaking
from tests.methods.dataset_ingestion.uploads import zipped
from tests.workers.test_every_method_end_to_end import (
    PROJECT,
    add_dataset,
    add_model,
    context,
    network,
    run_job,
    stored,
)
from workers.child.load.clips import clips_of
from workers.isolation.workdir import Scratch
from workers.worker.stage.clips import clip_facts, clips_file

__all__ = ["context", "run_job"]
RunJob = Callable[..., JobRecord]
TABLE = "path,transcript,speaker\na.mp4,你好,Li\nb.mkv,two words,\n".encode()


@pytest.fixture
def job(run_job: RunJob, zoo: Zoo) -> JobRecord:
    """The ingestion of two clips."""
    files = {"a.mp4": clip(sound=1.2), "b.mkv": clip(speaking, form="matroska", frames=20)}
    add_dataset(zoo, zipped({**files, "clips.csv": TABLE}))
    with zoo.transaction() as session:
        dataset = session.get_one(DatasetRecord, "dst_1")
        dataset.kind = "clips"
        dataset.manifest = {"name": "talk", "kind": "clips"}
    return run_job("dataset_ingestion", {"dataset_id": "dst_1"})


def test_clips_become_rows_and_tensors(job: JobRecord, zoo: Zoo, tmp_path: Path):
    assert job.state == "succeeded", job.error
    assert (job.result["state"], job.result["clips"]) == ("ready", 2), job.result

    with zoo.transaction() as session:
        dataset = session.get_one(DatasetRecord, "dst_1")
        rows = session.scalars(select(ClipRecord).order_by(ClipRecord.position)).all()
        assert [(row.name, row.transcript, row.speaker) for row in rows] == [
            ("a.mp4", "你好", "Li"),
            ("b.mkv", "two words", None),
        ]
        assert (rows[0].pinyin, rows[1].pinyin) == (["ni3", "hao3"], None)
        (name, sha256), facts = (
            next(iter(clips_file(dataset).items())),
            clip_facts(session, dataset),
        )
    scratch = Scratch(tmp_path / "job")
    scratch.make()
    zoo.blobs.fetch(sha256, scratch.inputs / name)
    first, second = clips_of(facts, scratch)
    assert (first.crops.shape, second.crops.shape) == ((30, 64, 96), (20, 64, 96))
    assert first.crops.dtype == torch.uint8
    assert (first.transcript, first.pinyin, first.speaker) == ("你好", ("ni3", "hao3"), "Li")
    assert len(first.mel) > 100
    assert len(second.mel) == 0


def test_jobs_on_images_refuse_clips_when_they_are_submitted(
    job: JobRecord, run_job: RunJob, zoo: Zoo, tmp_path: Path
):
    add_model(zoo, network(tmp_path, 0), model_id="mdl_0")

    with zoo.transaction() as session, pytest.raises(InvalidRequestError) as refused:
        inputs = {"model_id": "mdl_0", "dataset_id": "dst_1"}
        jobs.submit(session, project=PROJECT, method="depara", inputs=inputs)

    assert refused.value.code == "dataset_has_clips"
    assert refused.value.errors[0].pointer == "/inputs/dataset_id"


def test_clips_get_new_transcripts_without_being_decoded_again(
    job: JobRecord, run_job: RunJob, zoo: Zoo
):
    table = b"path,transcript,pinyin\na.mp4,\xe9\x93\xb6\xe8\xa1\x8c,yin2 hang2\n"
    with zoo.transaction() as session:
        clips = session.get_one(DatasetRecord, "dst_1")
        manifest = {"name": "more", "kind": "clips", "clips_of": "dst_1"}
        session.add(
            DatasetRecord(
                id="dst_2", project=PROJECT, name="more", kind="clips", manifest=manifest,
                filename="more.csv", upload_sha256=stored(zoo, table), upload_bytes=len(table),
            )
        )  # fmt: skip
        packed = clips.packed_sha256

    again = run_job("dataset_ingestion", {"dataset_id": "dst_2"})

    assert again.state == "succeeded", again.error
    with zoo.transaction() as session:
        query = select(ClipRecord).where(ClipRecord.dataset_id == "dst_2")
        rows = session.scalars(query.order_by(ClipRecord.position)).all()
        dataset = session.get_one(DatasetRecord, "dst_2")
    assert (dataset.state, dataset.clips, dataset.packed_sha256) == ("ready", 2, packed)
    assert [(row.transcript, row.pinyin, row.speaker) for row in rows] == [
        ("银行", ["yin2", "hang2"], "Li"),
        ("two words", None, None),
    ]


def test_transcripts_for_a_deleted_dataset_are_rejected_with_a_reason(run_job: RunJob, zoo: Zoo):
    add_dataset(zoo, b"path,transcript\na.mp4,hello\n")
    with zoo.transaction() as session:
        dataset = session.get_one(DatasetRecord, "dst_1")
        dataset.kind = "clips"
        dataset.manifest = {"name": "more", "kind": "clips", "clips_of": "dst_gone"}

    job = run_job("dataset_ingestion", {"dataset_id": "dst_1"})

    assert (job.state, job.error["code"]) == ("failed", "input_deleted")
