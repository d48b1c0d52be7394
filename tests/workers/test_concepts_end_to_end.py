"""A concept is found among stored responses, checked by running networks, and remembered."""

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from service.container import Zoo
from service.core.catalog import Audience
from service.core.errors import ConflictError
from service.core.operations import owned_rows
from service.core.operations.concepts import answers, searches
from service.core.operations.concepts.requests import ConceptSearchRequest
from service.core.operations.jobs import jobs
from service.core.tables import (
    ConceptSearchRecord,
    DatasetRecord,
    JobRecord,
    ModelRecord,
    UnitResponsesRecord,
)
from tests.workers.test_every_method_end_to_end import PROJECT, stored
from workers.isolation.fork_client import ForkServerClient
from workers.programs.exporting import export_network
from workers.worker.run_job import WorkerContext, run_next

SIDE = 16
COLORS = {"red": (220, 40, 40), "green": (40, 220, 40), "blue": (40, 40, 220)}
NETWORKS = {
    "mdl_hue": ("red", "green", "blue"),
    "mdl_warm": ("red", "blue"),
    "mdl_leaf": ("green", "blue"),
}


def pictures(colors: Sequence[str], count: int, *, seed: int) -> bytes:
    """Noisy squares of each color."""
    numbers, buffer = np.random.default_rng(seed), io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for index in range(count):
            color = np.array(COLORS[colors[index % len(colors)]])
            pixels = color + numbers.normal(0, 60, 3) + numbers.normal(0, 20, (SIDE, SIDE, 3))
            file = io.BytesIO()
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(file, "PNG")
            archive.writestr(f"{index:02d}.png", file.getvalue())
    return buffer.getvalue()


def color_network(folder: Path, classes: Sequence[str]) -> bytes:
    """A linear network with one unit for each color."""
    net = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, len(classes)))
    weights = torch.tensor([COLORS[name] for name in classes], dtype=torch.float32)
    with torch.no_grad():
        net[2].weight.copy_((weights - weights.mean(1, keepdim=True)) / 10)
        net[2].bias.zero_()
    export_network(net.eval(), (3, SIDE, SIDE), folder / "net.pt2")
    return (folder / "net.pt2").read_bytes()


def add_dataset(zoo: Zoo, dataset_id: str, data: bytes) -> None:
    sha256 = stored(zoo, data)
    values = {"id": dataset_id, "project": PROJECT, "name": dataset_id}
    manifest = {"name": dataset_id}
    upload = {"upload_sha256": sha256, "upload_bytes": len(data)}
    with zoo.transaction() as session:
        session.add(DatasetRecord(**values, manifest=manifest, **upload))


def add_model(zoo: Zoo, model_id: str, data: bytes, classes: Sequence[str]) -> None:
    sha256 = stored(zoo, data)
    manifest = {
        "name": model_id,
        "format": "pt2",
        "input": {"channels": 3, "height": SIDE, "width": SIDE},
        "task": {"kind": "classification", "text": ""},
        "classes": list(classes),
    }
    values = {"id": model_id, "project": PROJECT, "name": model_id, "task_kind": "classification"}
    upload = {"upload_sha256": sha256, "upload_bytes": len(data)}
    with zoo.transaction() as session:
        session.add(ModelRecord(**values, manifest=manifest, **upload))


def order(zoo: Zoo, method: str, **inputs: str) -> None:
    with zoo.transaction() as session:
        jobs.submit(
            session, project=PROJECT, method=method, inputs=inputs, audience=Audience.INTERNAL
        )


def work_off(context: WorkerContext) -> None:
    while run_next(context):
        pass


@pytest.fixture
def context(zoo: Zoo, fork_server: ForkServerClient, tmp_path: Path) -> WorkerContext:
    """A worker of a zoo with probes, a concept, what it is not, and three networks of colors."""
    add_dataset(zoo, "dst_probes", pictures(list(COLORS), 60, seed=0))
    add_dataset(zoo, "dst_red", pictures(["red"], 12, seed=1))
    add_dataset(zoo, "dst_rest", pictures(["green", "blue"], 12, seed=2))
    add_dataset(zoo, "dst_few", pictures(["red"], 3, seed=3))
    for name in ("probes", "red", "rest", "few"):
        order(zoo, "dataset_ingestion", dataset_id=f"dst_{name}")
    for model_id, classes in NETWORKS.items():
        add_model(zoo, model_id, color_network(tmp_path, classes), classes)
        order(zoo, "model_validation", model_id=model_id)
    context = WorkerContext(zoo, fork_server, lambda: False)
    work_off(context)
    return context


@pytest.fixture
def measured(context: WorkerContext) -> WorkerContext:
    """The same, with responses of all networks to the probes."""
    for model_id in NETWORKS:
        order(context.zoo, "unit_responses", model_id=model_id, dataset_id="dst_probes")
    work_off(context)
    return context


def ask(zoo: Zoo, **body: object) -> ConceptSearchRecord:
    body = {"dataset_id": "dst_red", "probe_set_id": "dst_probes", "references": 1, **body}
    with zoo.transaction() as session:
        request = ConceptSearchRequest.model_validate(body)
        return searches.create(session, project=PROJECT, request=request)


def answer(zoo: Zoo, search: ConceptSearchRecord) -> tuple[ConceptSearchRecord, dict]:
    with zoo.transaction() as session:
        record = owned_rows.get(session, ConceptSearchRecord, project=PROJECT, id=search.id)
        return record, answers.values_of(session, record)


@pytest.mark.parametrize("negatives", [None, "dst_rest"])
def test_units_of_the_concept_lead_and_the_best_networks_are_run(
    measured: WorkerContext, negatives: str | None
) -> None:
    asked = ask(measured.zoo, negatives_id=negatives, check=1)

    work_off(measured)

    search, values = answer(measured.zoo, asked)
    assert (search.state, search.error) == ("ready", None)
    assert [unit["class_name"] for unit in values["units"][:2]] == ["red", "red"]
    assert len(values["units"]) == sum(map(len, NETWORKS.values()))
    ran = {unit["model_id"] for unit in values["units"] if unit["auc"] is not None}
    assert ran == {*search.reference_ids, *(search.checked or [])}
    assert values["cost"]["networks_run"] == len(ran) == 2
    assert values["advice"].startswith("Use unit 0 (red) of ")
    assert all(
        unit["auc_interval"][0] <= unit["auc"] <= unit["auc_interval"][1]
        for unit in values["units"]
        if unit["auc"] is not None
    )


def test_an_equal_search_is_the_same_and_a_network_runs_once_on_a_concept(
    measured: WorkerContext,
) -> None:
    first = ask(measured.zoo, check=1)
    work_off(measured)

    again, wider = ask(measured.zoo, check=1), ask(measured.zoo, check=2)
    work_off(measured)

    assert again.id == first.id
    assert answer(measured.zoo, wider)[0].ran == sorted(
        set(NETWORKS) - set(answer(measured.zoo, first)[0].ran)
    )
    with measured.zoo.transaction() as session:
        rows = session.query(UnitResponsesRecord.model_id, UnitResponsesRecord.dataset_id).all()
    assert len(set(rows)) == len(rows) == 6


def test_a_search_without_stored_responses_names_the_request_that_measures_them(
    context: WorkerContext,
) -> None:
    with pytest.raises(ConflictError) as refusal:
        ask(context.zoo)

    assert refusal.value.code == "no_unit_responses"
    assert '"method": "unit_responses"' in str(refusal.value.remedy)


def test_a_search_whose_reference_cannot_run_fails_with_the_reason(
    measured: WorkerContext,
) -> None:
    asked = ask(measured.zoo)
    with measured.zoo.transaction() as session:
        job = session.query(JobRecord).filter_by(method="unit_responses", state="queued").one()
        jobs.cancel(session, project=PROJECT, job_id=job.id)

    work_off(measured)

    search, _ = answer(measured.zoo, asked)
    assert search.state == "failed"
    assert search.error is not None
    assert search.error["code"] == "reference_not_measured"
