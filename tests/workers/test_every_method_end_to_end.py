"""Every kind of job turns stored files into rows: staged, run in a real child, harvested, recorded."""

import hashlib
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from service.container import Zoo
from service.core.catalog import Audience
from service.core.catalog.depara import DeparaParams
from service.core.catalog.measurement import LABEL_SCORES
from service.core.operations import owned_rows
from service.core.operations.jobs import jobs
from service.core.operations.measurements import graphs
from service.core.tables import (
    AffinityRecord,
    DatasetRecord,
    EstimateRecord,
    GraphRecord,
    ImageRecord,
    JobRecord,
    MapRecord,
    ModelRecord,
    RankingRecord,
)
from workers.isolation.fork_client import ForkServerClient
from workers.programs.exporting import export_network
from workers.worker.run_job import WorkerContext, run_next

PROJECT = "default"
SIDE = 16


@pytest.fixture
def context(zoo: Zoo, fork_server: ForkServerClient) -> WorkerContext:
    return WorkerContext(zoo, fork_server, lambda: False)


@pytest.fixture
def run_job(context: WorkerContext) -> Callable[..., JobRecord]:
    def run(method: str, inputs: dict[str, object], **params: object) -> JobRecord:
        with context.zoo.transaction() as session:
            job = jobs.submit(
                session,
                project=PROJECT,
                method=method,
                inputs=inputs,
                params=params,
                audience=Audience.INTERNAL,
            )
        assert run_next(context)
        with context.zoo.transaction() as session:
            return owned_rows.get(session, JobRecord, project=PROJECT, id=job.id)

    return run


def stored(zoo: Zoo, data: bytes) -> str:
    sha256 = hashlib.sha256(data).hexdigest()
    path = zoo.staging / "upload"
    path.write_bytes(data)
    zoo.blobs.add(path, sha256=sha256)
    return sha256


def add_dataset(zoo: Zoo, data: bytes) -> None:
    sha256 = stored(zoo, data)
    with zoo.transaction() as session:
        session.add(
            DatasetRecord(
                id="dst_1",
                project=PROJECT,
                name="noise",
                manifest={"name": "noise"},
                upload_sha256=sha256,
                upload_bytes=len(data),
            )
        )


def images(count: int = 12) -> bytes:
    numbers = np.random.default_rng(0)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for index in range(count):
            file = io.BytesIO()
            pixels = numbers.integers(0, 255, (SIDE, SIDE, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(file, "PNG")
            archive.writestr(f"{'ab'[index % 2]}/{index:02d}.png", file.getvalue())
    return buffer.getvalue()


def network(folder: Path, seed: int) -> bytes:
    torch.manual_seed(seed)
    net = nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 4),
    )
    export_network(net.eval(), (3, SIDE, SIDE), folder / "net.pt2")
    return (folder / "net.pt2").read_bytes()


def add_model(zoo: Zoo, data: bytes, *, model_id: str) -> None:
    sha256 = stored(zoo, data)
    spec = {"channels": 3, "height": SIDE, "width": SIDE}
    with zoo.transaction() as session:
        session.add(
            ModelRecord(
                id=model_id,
                project=PROJECT,
                name=model_id,
                task_kind="other",
                manifest={"name": model_id, "format": "pt2", "input": spec},
                upload_sha256=sha256,
                upload_bytes=len(data),
            )
        )


@pytest.fixture
def measured(run_job, zoo: Zoo, tmp_path: Path) -> str:
    """Two uploaded networks and a learned one, all measured; their comparable key."""
    add_dataset(zoo, images())
    assert run_job("dataset_ingestion", {"dataset_id": "dst_1"}).result["state"] == "ready"
    for seed in (0, 1):
        add_model(zoo, network(tmp_path, seed), model_id=f"mdl_{seed}")
        checked = run_job("model_validation", {"model_id": f"mdl_{seed}"})
        assert checked.result["state"] == "ready"
    with zoo.transaction() as session:
        session.add(
            ModelRecord(
                id="mdl_r", project=PROJECT, name="reference", state="pending",
                task_kind="other", manifest={},
            )
        )  # fmt: skip
    inputs = {"dataset_id": "dst_1", "model_id": "mdl_r"}
    learned = run_job("reference_network", inputs, steps=5, width=4)
    assert learned.error is None
    assert 0 <= learned.result["accuracy"] <= 1
    for model_id in ("mdl_0", "mdl_1", "mdl_r"):
        assert run_job("depara", {"dataset_id": "dst_1", "model_id": model_id}).error is None
    with zoo.transaction() as session:
        digest = session.get_one(DatasetRecord, "dst_1").manifest_sha256
    return graphs.comparable_key(digest, DeparaParams())


def test_uploads_and_learned_networks_become_ready_and_measured(measured: str, zoo: Zoo):
    with zoo.transaction() as session:
        dataset = session.get_one(DatasetRecord, "dst_1")
        uploaded = session.get_one(ModelRecord, "mdl_0")
        learned = session.get_one(ModelRecord, "mdl_r")
        rows = graphs.measured(session, project=PROJECT, comparable=measured)
        indexed = session.query(ImageRecord).count()

    assert (dataset.images, dataset.labels, dataset.canonical_side) == (12, ["a", "b"], SIDE)
    assert indexed == 12
    assert all([uploaded.layers, uploaded.parameters, uploaded.fingerprint])
    assert 0 < uploaded.peak_bytes < uploaded.gradient_peak_bytes
    assert 0 < learned.peak_bytes < learned.gradient_peak_bytes
    assert uploaded.latency_ms > 0
    assert learned.latency_ms > 0
    assert (learned.state, learned.lineage["datasets"]) == ("ready", ["dst_1"])
    assert {graph.model_id for graph in rows} == {"mdl_0", "mdl_1", "mdl_r"}


def test_a_ranking_is_filled_and_names_who_could_not_be_ranked(measured: str, run_job, zoo: Zoo):
    candidates = [{"model_id": m, "job_id": None} for m in ("mdl_1", "mdl_r", "mdl_gone")]
    with zoo.transaction() as session:
        session.add(
            RankingRecord(
                id="rnk_1", project=PROJECT, metric="depara", edge_weight=0.25, request={},
                target_model_id="mdl_0", dataset_id="dst_1", comparable_key=measured,
                candidates=candidates,
            )
        )  # fmt: skip

    assert run_job("ranking", {"ranking_id": "rnk_1"}).error is None

    with zoo.transaction() as session:
        ranking = session.get_one(RankingRecord, "rnk_1")
        assert session.query(AffinityRecord).count() == 2
    assert ranking.state == "ready"
    assert {pair["model_id"] for pair in ranking.pairs} == {"mdl_1", "mdl_r"}
    assert [item["model_id"] for item in ranking.unranked] == ["mdl_gone"]


def test_maps_and_heat_maps_leave_their_files(measured: str, run_job, zoo: Zoo):
    chosen = {"model_ids": ["mdl_1", "mdl_0"], "dataset_id": "dst_1", "indices": [3, 1]}

    placed = run_job("transferability_map", {"dataset_id": "dst_1"})
    drawn = run_job("attribution_map", chosen)

    assert (placed.error, drawn.error) == (None, None)
    with zoo.transaction() as session:
        document = session.query(MapRecord).one().document
        names = [a.name for a in jobs.artifacts(session, project=PROJECT, job_id=drawn.id)]
    assert set(document["models"]) == {"mdl_0", "mdl_1", "mdl_r"}
    assert set(document["artifacts"]) >= {"matrix.png", "tree.svg", "similarities.safetensors"}
    pictures = [f"mdl_{model}_0000{index}.png" for model in (0, 1) for index in (1, 3)]
    assert names == ["heat-maps.zip", "maps.safetensors", *pictures, "sheet.png"]
    assert [image["status"] for image in drawn.result["images"]] == ["valid"] * 4
    assert not list(zoo.scratch.iterdir())


def test_measuring_again_keeps_the_first_graph(run_job, zoo: Zoo, tmp_path: Path):
    add_dataset(zoo, images())
    run_job("dataset_ingestion", {"dataset_id": "dst_1"})
    add_model(zoo, network(tmp_path, 0), model_id="mdl_0")
    run_job("model_validation", {"model_id": "mdl_0"})
    inputs = {"dataset_id": "dst_1", "model_id": "mdl_0"}

    first, second = run_job("depara", inputs), run_job("depara", inputs)

    assert first.result["graph_id"] == second.result["graph_id"]
    with zoo.transaction() as session:
        assert session.query(GraphRecord).count() == 1


def test_a_file_that_is_no_network_is_rejected_with_its_problems(run_job, zoo: Zoo):
    add_model(zoo, b"PK\x03\x04 nothing", model_id="mdl_1")

    job = run_job("model_validation", {"model_id": "mdl_1"})

    assert (job.state, job.result["state"]) == ("succeeded", "rejected")
    with zoo.transaction() as session:
        assert session.get_one(ModelRecord, "mdl_1").problems[0]["code"]


def test_a_file_without_images_is_rejected_with_its_problems(run_job, zoo: Zoo):
    add_dataset(zoo, b"nothing")

    job = run_job("dataset_ingestion", {"dataset_id": "dst_1"})

    assert job.result["state"] == "rejected"
    assert job.result["problems"][0]["code"] == "unknown_form"


def test_a_job_on_a_model_that_is_not_ready_fails_at_once(run_job, zoo: Zoo):
    add_dataset(zoo, images())
    add_model(zoo, b"x", model_id="mdl_1")

    job = run_job("depara", {"dataset_id": "dst_1", "model_id": "mdl_1"})

    assert (job.state, job.error["code"], job.attempts) == ("failed", "model_not_ready", 1)


def test_a_missing_file_fails_the_job_with_a_reason(run_job, zoo: Zoo):
    add_dataset(zoo, images())
    with zoo.transaction() as session:
        zoo.blobs.delete(session.get_one(DatasetRecord, "dst_1").upload_sha256)

    job = run_job("dataset_ingestion", {"dataset_id": "dst_1"})

    assert (job.state, job.error["code"]) == ("failed", "blob_not_found")
    with zoo.transaction() as session:
        assert session.get_one(DatasetRecord, "dst_1").state == "rejected"


def test_estimators_judge_a_network_once(run_job, zoo: Zoo, tmp_path: Path):
    add_dataset(zoo, images())
    run_job("dataset_ingestion", {"dataset_id": "dst_1"})
    add_model(zoo, network(tmp_path, 0), model_id="mdl_0")
    run_job("model_validation", {"model_id": "mdl_0"})
    inputs = {"model_id": "mdl_0", "dataset_id": "dst_1"}

    first = run_job("transferability_estimators", inputs)
    second = run_job("transferability_estimators", inputs)

    assert (first.error, second.error) == (None, None)
    assert first.result["estimate_id"] == second.result["estimate_id"]
    with zoo.transaction() as session:
        record = session.query(EstimateRecord).one()
    assert (record.model_id, record.dataset_id, record.images) == ("mdl_0", "dst_1", 12)
    assert set(record.scores) == set(LABEL_SCORES)
    assert {name for name, score in record.scores.items() if score is None} == set(record.reasons)
    assert {"leep", "nce"} <= set(record.reasons)
