"""An ONNX file that a user pushes becomes a network like any other: checked, mapped, ranked, handed out."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.container import Zoo
from service.core.operations.access import keys
from tests.rest.served import client_of, serving
from tests.workers.programs.networks import Plain, made
from tests.workers.programs.onnx_files import write_script
from tests.workers.test_every_method_end_to_end import (
    add_dataset,
    context,
    images,
    run_job,
)
from workers.worker.run_job import WorkerContext, run_next
from zooscope import ZooClient

__all__ = ["context", "run_job"]
MANIFEST = {
    "name": "leaves",
    "format": "onnx",
    "task": "classification",
    "input": {"height": 12, "width": 12, "mean": [0.5], "std": [0.25]},
}


@pytest.fixture
def token(run_job, zoo: Zoo) -> str:
    """The administrator's key of a zoo with twelve images."""
    add_dataset(zoo, images())
    run_job("dataset_ingestion", {"dataset_id": "dst_1"})
    with zoo.transaction() as session:
        issued = keys.issue_first(session)
    assert issued is not None
    return issued.token


@pytest.fixture
def url(zoo: Zoo, token: str) -> Iterator[str]:
    with serving(zoo) as url:
        yield url


@pytest.fixture
def client(url: str, token: str) -> Iterator[ZooClient]:
    with ZooClient(url, key=token) as client:
        yield client


def pushed(client: ZooClient, path: Path, context: WorkerContext, **fields: object) -> dict:
    """The network of a file after its check."""
    model = client.models.push(path, {**MANIFEST, **fields})
    assert run_next(context)
    return dict(client.models.show(model["id"]))


def test_a_pushed_file_is_checked_mapped_and_ranked(
    client: ZooClient, url: str, token: str, context: WorkerContext, tmp_path: Path
):
    path = write_script(made(Plain), tmp_path / "leaves.onnx")
    model = pushed(client, path, context)
    other = pushed(client, path, context, name="other")
    drawing = {"model_ids": [model["id"]], "dataset_id": "dst_1", "indices": [0]}
    ranking = {
        "target": {"model_id": other["id"]},
        "probe_set_id": "dst_1",
        "candidates": {"model_ids": [model["id"]]},
    }

    with client_of(url, token) as http:
        job = http.post("/v1/attributions", json=drawing).json()
    asked = client.rankings.request(ranking)
    while run_next(context):
        pass
    drawn = client.jobs.show(job["id"])
    ranked = client.rankings.show(asked["id"])
    client.models.download(model["id"], tmp_path / "again.onnx")

    assert (model["state"], model["problems"], model["format"]) == ("ready", [], "onnx")
    assert {"body.0", "head"} <= {layer["name"] for layer in client.models.layers(model["id"])}
    assert drawn["state"] == "succeeded"
    assert ranked["state"] == "ready"
    assert (tmp_path / "again.onnx").read_bytes() == path.read_bytes()


def test_a_quantized_file_is_rejected_with_its_reason(
    client: ZooClient, context: WorkerContext, tmp_path: Path
):
    from tests.workers.programs.onnx_hostile_cases import CASES

    make, code = CASES["quantized steps"]
    (tmp_path / "small.onnx").write_bytes(make())

    model = pushed(client, tmp_path / "small.onnx", context)

    assert model["state"] == "rejected"
    assert model["problems"][0]["code"] == code
    assert "before quantization" in model["problems"][0]["remedy"]
