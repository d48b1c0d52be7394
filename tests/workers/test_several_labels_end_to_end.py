"""A dataset whose images have several labels is read, shown and trained on, as what it is."""

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import select

from service.container import Zoo
from service.core.errors import InvalidRequestError
from service.core.operations import owned_rows
from service.core.operations.jobs import jobs
from service.core.tables import DatasetRecord, ImageRecord, JobRecord, ModelRecord
from tests.workers import test_label_rankings_end_to_end as label_rankings
from tests.workers.test_every_method_end_to_end import add_dataset
from workers.isolation.fork_client import ForkServerClient
from workers.worker.run_job import WorkerContext, run_next

pytestmark = pytest.mark.slow

PROJECT = "default"
SIDE = 16


def marked_images(count: int = 40) -> bytes:
    """Images of a red and a blue half, each there or not, with JSON lines that say which."""
    numbers = np.random.default_rng(0)
    buffer, lines = io.BytesIO(), []
    with zipfile.ZipFile(buffer, "w") as archive:
        for index in range(count):
            pixels = numbers.integers(0, 60, (SIDE, SIDE, 3), dtype=np.uint8)
            labels = [name for bit, name in enumerate(("red", "blue")) if index >> bit & 1]
            pixels[: SIDE // 2, :, 0] += 150 * ("red" in labels)
            pixels[SIDE // 2 :, :, 2] += 150 * ("blue" in labels)
            file = io.BytesIO()
            # One image in another format, whose decoder runs in the sandbox, too.
            Image.fromarray(pixels).save(file, "AVIF" if index == 0 else "PNG")
            archive.writestr(f"{index:02d}.png", file.getvalue())
            lines.append(json.dumps({"file_name": f"{index:02d}.png", "labels": labels}))
        archive.writestr("metadata.jsonl", "\n".join(lines))
    return buffer.getvalue()


def test_several_labels_are_stored_trained_on_and_never_taken_for_one(
    zoo: Zoo, fork_server: ForkServerClient, tmp_path: Path
):
    context = WorkerContext(zoo, fork_server, lambda: False)
    add_dataset(zoo, marked_images())
    label_rankings._add_model(zoo, label_rankings._network(tmp_path, 0), "mdl_0", classifier=True)
    label_rankings._submit(zoo, "dataset_ingestion", {"dataset_id": "dst_1"})
    label_rankings._submit(zoo, "model_validation", {"model_id": "mdl_0"})
    while run_next(context):
        pass

    with zoo.transaction() as session:
        dataset = session.get_one(DatasetRecord, "dst_1")
        rows = session.scalars(select(ImageRecord).order_by(ImageRecord.position)).all()
        assert (dataset.state, dataset.label_kind, dataset.labels) == (
            "ready", "multiple", ["blue", "red"],
        )  # fmt: skip
        assert [(row.label, row.labels) for row in rows[:4]] == [
            (None, []), (None, [1]), (None, [0]), (None, [1, 0]),
        ]  # fmt: skip
        assert [note["code"] for note in dataset.notes] == ["labels_from"]
    inputs = {"source_model_id": "mdl_0", "dataset_id": "dst_1"}
    params = {"budget": {"steps": 60}, "batch_size": 16, "num_evaluations": 2}
    with zoo.transaction() as session:
        job_id = jobs.submit(
            session, project=PROJECT, method="fine_tune", inputs=inputs, params=params
        ).id

    assert run_next(context)

    with zoo.transaction() as session:
        job = owned_rows.get(session, JobRecord, project=PROJECT, id=job_id)
        assert job.state == "succeeded", job.error
        student = session.get_one(ModelRecord, job.result["model_id"])
        assert student.manifest["task"]["kind"] == "multi_label"
        assert student.lineage["measured"]["mean_average_precision"] > 0.8
        with pytest.raises(InvalidRequestError) as refused:
            jobs.submit(
                session,
                project=PROJECT,
                method="knowledge_distillation",
                inputs={"teachers": ["mdl_0"], "dataset_id": "dst_1", "eval_dataset_id": "dst_1"},
                params={**params, "student": {"architecture": "plain", "image_size": 8}},
            )
    assert refused.value.code == "eval_labels_differ"
