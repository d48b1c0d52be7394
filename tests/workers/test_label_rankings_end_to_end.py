"""Rankings by labels and by history: asked for, measured by real jobs, filled, and asked for again."""

import hashlib
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from service.container import Zoo
from service.core.catalog import Audience
from service.core.operations import owned_rows
from service.core.operations.accuracies import accuracies
from service.core.operations.accuracies.accuracies import NewAccuracy
from service.core.operations.jobs import jobs
from service.core.operations.maps import maps
from service.core.operations.maps.requests import MapLook
from service.core.operations.rankings import estimator_completion, rankings
from service.core.operations.rankings.schemas import RankingRequest
from service.core.tables import DatasetRecord, JobRecord, ModelRecord, RankingRecord
from workers.isolation.fork_client import ForkServerClient
from workers.programs.exporting import export_network
from workers.worker.run_job import WorkerContext, run_next

PROJECT = "default"
SIDE = 16
MODELS = ("mdl_0", "mdl_1", "mdl_2")


@pytest.fixture
def context(zoo: Zoo, fork_server: ForkServerClient, tmp_path: Path) -> WorkerContext:
    """A worker of a zoo with a labeled set and three networks, one of them no classifier."""
    _add_dataset(zoo)
    for seed, model_id in enumerate(MODELS):
        _add_model(zoo, _network(tmp_path, seed), model_id, classifier=seed < 2)
    context = WorkerContext(zoo, fork_server, lambda: False)
    _submit(zoo, "dataset_ingestion", {"dataset_id": "dst_1"})
    for model_id in MODELS:
        _submit(zoo, "model_validation", {"model_id": model_id})
    while run_next(context):
        pass
    return context


def _submit(zoo: Zoo, method: str, inputs: dict[str, str]) -> None:
    with zoo.transaction() as session:
        jobs.submit(
            session, project=PROJECT, method=method, inputs=inputs, audience=Audience.INTERNAL
        )


def _stored(zoo: Zoo, data: bytes) -> str:
    sha256 = hashlib.sha256(data).hexdigest()
    path = zoo.staging / "upload"
    path.write_bytes(data)
    zoo.blobs.add(path, sha256=sha256)
    return sha256


def _add_dataset(zoo: Zoo) -> None:
    """Twenty bright and twenty dark images."""
    numbers = np.random.default_rng(0)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for index in range(40):
            kind = ("bright", "dark")[index % 2]
            low = 100 if kind == "bright" else 0
            pixels = numbers.integers(low, low + 150, (SIDE, SIDE, 3), dtype=np.uint8)
            file = io.BytesIO()
            Image.fromarray(pixels).save(file, "PNG")
            archive.writestr(f"{kind}/{index:02d}.png", file.getvalue())
    sha256 = _stored(zoo, buffer.getvalue())
    with zoo.transaction() as session:
        session.add(
            DatasetRecord(
                id="dst_1", project=PROJECT, name="light", manifest={"name": "light"},
                upload_sha256=sha256, upload_bytes=1,
            )
        )  # fmt: skip


def _network(folder: Path, seed: int) -> bytes:
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


def _add_model(zoo: Zoo, data: bytes, model_id: str, *, classifier: bool) -> None:
    sha256 = _stored(zoo, data)
    spec = {"channels": 3, "height": SIDE, "width": SIDE}
    with zoo.transaction() as session:
        session.add(
            ModelRecord(
                id=model_id, project=PROJECT, name=f"net {model_id}",
                task_kind="classification" if classifier else "embedding",
                manifest={"name": model_id, "format": "pt2", "input": spec},
                upload_sha256=sha256, upload_bytes=len(data),
            )
        )  # fmt: skip


def ask(zoo: Zoo, **changes: object) -> RankingRecord:
    body = {"target": {"dataset_id": "dst_1"}, **changes}
    with zoo.transaction() as session:
        request = RankingRequest.model_validate(body)
        return rankings.create(session, project=PROJECT, request=request)


def answered(context: WorkerContext, ranking: RankingRecord) -> RankingRecord:
    """The ranking after all jobs have run."""
    while run_next(context):
        pass
    with context.zoo.transaction() as session:
        return owned_rows.get(session, RankingRecord, project=PROJECT, id=ranking.id)


def job_count(zoo: Zoo, method: str) -> int:
    with zoo.transaction() as session:
        return session.query(JobRecord).filter(JobRecord.method == method).count()


def record(zoo: Zoo, *rows: tuple[str, str, float]) -> None:
    measurements = [NewAccuracy(model=m, dataset=d, value=v) for m, d, v in rows]
    with zoo.transaction() as session:
        accuracies.add(session, project=PROJECT, measurements=measurements)


HISTORY = (
    *[(model, "sea", value) for model, value in zip(MODELS, (0.9, 0.7, 0.5), strict=True)],
    *[(model, "sky", value) for model, value in zip(MODELS, (0.8, 0.7, 0.6), strict=True)],
    *[("oak", "sea", 0.6), ("oak", "sky", 0.5)],
)


def test_a_ranking_by_an_estimator_is_filled_when_its_last_estimate_ends(context: WorkerContext):
    pending = ask(context.zoo, metric="knn")
    assert (pending.state, len(estimator_completion.estimate_jobs(pending))) == ("pending", 3)

    ready = answered(context, pending)

    items, unranked = rankings.ordered(ready, edge_weight=0.0)
    assert (ready.state, ready.target_model_id, unranked) == ("ready", None, [])
    assert {item["model_id"] for item in items} == set(MODELS)
    assert [item["score"] for item in items] == sorted([i["score"] for i in items], reverse=True)
    assert items[0]["score"] > 0.9
    assert items[0]["valid_probes"] == 40


def test_all_estimators_come_from_one_job_and_missing_ones_are_reported(
    context: WorkerContext,
):
    answered(context, ask(context.zoo, metric="logme"))

    leep = ask(context.zoo, metric="leep")

    items, unranked = rankings.ordered(leep, edge_weight=0.0)
    assert (leep.state, leep.job_id) == ("ready", None)
    assert {item["model_id"] for item in items} == {"mdl_0", "mdl_1"}
    assert [item["model_id"] for item in unranked] == ["mdl_2"]
    assert unranked[0]["code"] != "not_measured"
    assert job_count(context.zoo, "transferability_estimators") == 3


def test_a_cancelled_estimate_becomes_a_reason(context: WorkerContext):
    pending = ask(context.zoo, metric="logme")
    with context.zoo.transaction() as session:
        jobs.cancel(session, project=PROJECT, job_id=pending.candidates[0]["job_id"])

    ready = answered(context, pending)

    assert ready.state == "ready"
    assert len(ready.pairs) == 2
    assert [item["code"] for item in ready.unranked] == ["not_measured"]


def test_a_fused_ranking_predicts_accuracies_and_names_what_to_measure(context: WorkerContext):
    record(context.zoo, *HISTORY)

    ready = answered(context, ask(context.zoo, metric="fused"))

    items, unranked = rankings.ordered(ready, edge_weight=0.0)
    assert (ready.state, unranked) == ("ready", [])
    assert {item["model_id"] for item in items} == set(MODELS)
    for item in items:
        assert item["interval"][0] < item["mean"] < item["interval"][1]
    assert sum(item["p_best"] for item in items) == pytest.approx(1)
    findings = ready.findings
    assert findings["best_set"]["coverage"] == 0.8
    assert findings["best_set"]["probability"] >= 0.8
    assert set(findings["measure_next"]) <= set(MODELS)
    assert sum(findings["evidence"].values()) == pytest.approx(1)
    static = ready.baselines[0]
    assert [item["model_id"] for item in static["items"]] == list(MODELS)


def test_the_same_evidence_is_answered_at_once_and_a_new_record_recomputes(context: WorkerContext):
    record(context.zoo, *HISTORY)
    first = answered(context, ask(context.zoo, metric="fused"))

    again = ask(context.zoo, metric="fused")
    record(context.zoo, ("mdl_2", "dst_1", 0.99))
    changed = ask(context.zoo, metric="fused")

    assert (again.state, again.job_id) == ("ready", None)
    assert (again.pairs, again.findings) == (first.pairs, first.findings)
    assert rankings.cache_key(again) == rankings.cache_key(first)
    assert changed.state == "pending"
    measured = answered(context, changed)
    assert rankings.cache_key(measured) != rankings.cache_key(first)
    items, _ = rankings.ordered(measured, edge_weight=0.0)
    surest = min(items, key=lambda item: item["deviation"])
    assert (surest["model_id"], surest["measured"]) == ("mdl_2", 0.99)
    assert "mdl_2" not in measured.findings["measure_next"]
    assert job_count(context.zoo, "transferability_estimators") == 3


def test_without_any_history_the_answer_is_wide_and_gives_the_reason(context: WorkerContext):
    ready = answered(context, ask(context.zoo, metric="fused", estimators="known"))

    assert ready.state == "ready"
    assert len(ready.pairs) == 3
    assert ready.baselines[0]["items"] is None
    assert ready.baselines[0]["reason"]["code"] == "no_history"
    assert job_count(context.zoo, "transferability_estimators") == 0


@pytest.mark.parametrize("metric", ["rsa", "dds", "linear_cka"])
def test_networks_are_ranked_and_mapped_by_the_relations_of_their_features(
    context: WorkerContext, metric: str
):
    target = {"model_id": "mdl_0"}
    ready = answered(context, ask(context.zoo, target=target, probe_set_id="dst_1", metric=metric))

    look = MapLook.model_validate({"metric": metric})
    with context.zoo.transaction() as session:
        maps.create(session, project=PROJECT, dataset_id="dst_1", look=look)
    while run_next(context):
        pass

    items, unranked = rankings.ordered(ready, edge_weight=0.0)
    assert (ready.state, unranked) == ("ready", [])
    assert {item["model_id"] for item in items} == {"mdl_1", "mdl_2"}
    for item in items:
        assert item["score"] == item["node_similarity"] < 1
        assert item["interval"][0] < item["score"] < item["interval"][1]
    with context.zoo.transaction() as session:
        drawn = maps.drawn(session, project=PROJECT, dataset_id="dst_1", look=look)
        neighbors = drawn.document["neighbors"][drawn.document["models"].index("mdl_0")]
    assert neighbors[0]["similarity"] == pytest.approx(items[0]["score"], abs=1e-3)
