"""Heat maps drawn by real jobs: many are one job, and client and command fetch sheet, zip and each."""

import io
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from PIL import Image

from service.container import Zoo
from service.core.operations.access import keys
from service.core.tables import ModelRecord
from tests.rest.served import client_of, serving
from tests.workers.test_every_method_end_to_end import (
    add_dataset,
    add_model,
    context,
    images,
    network,
    run_job,
)
from workers.worker.run_job import WorkerContext, run_next
from zooscope import ZooClient, ZooClientError

__all__ = ["context", "run_job"]
MODELS = ["mdl_0", "mdl_1"]


@pytest.fixture
def token(run_job, zoo: Zoo, tmp_path: Path) -> str:
    """The administrator's key of a zoo with two networks and twelve images."""
    add_dataset(zoo, images())
    run_job("dataset_ingestion", {"dataset_id": "dst_1"})
    for seed, model_id in enumerate(MODELS):
        add_model(zoo, network(tmp_path, seed), model_id=model_id)
        run_job("model_validation", {"model_id": model_id})
    with zoo.transaction() as session:
        first = keys.issue_first(session)
    assert first is not None
    return first.token


@pytest.fixture
def url(zoo: Zoo, token: str) -> Iterator[str]:
    with serving(zoo) as url:
        yield url


def ordered(url: str, token: str, context: WorkerContext, **asked: object) -> httpx.Response:
    """The answer to the second of two equal orders; the job of the first is done between them."""
    body = {"model_ids": MODELS, "dataset_id": "dst_1", "indices": [3, 1], **asked}
    with client_of(url, token) as client:
        assert client.post("/v1/attributions", json=body).status_code == 202
        assert run_next(context)
        return client.post("/v1/attributions", json=body)


def size_of(png: bytes) -> tuple[int, int]:
    """Width and height of a picture."""
    with Image.open(io.BytesIO(png)) as picture:
        return picture.size


def test_sheet_zip_and_every_single_picture_are_to_be_had(
    url: str, token: str, context: WorkerContext, zoo: Zoo, tmp_path: Path
) -> None:
    answer = ordered(url, token, context)
    with zoo.transaction() as session:
        reading = keys.issue(session, project="default", name="r", scopes=["read"]).token

    with ZooClient(url, key=reading) as client:
        sheet = client.attributions.download(answer.json(), tmp_path / "sheet.png")
        every = client.attributions.download(answer.json(), tmp_path / "all.zip")
        single = {
            f"{model}_{index:05d}.png": client.models.attribution(
                model, dataset_id="dst_1", index=index
            )
            for model in MODELS
            for index in (1, 3)
        }
        with pytest.raises(ZooClientError) as refused:
            client.models.attribution("mdl_0", dataset_id="dst_1", index=2)

    assert (answer.status_code, answer.json()["state"]) == (201, "succeeded")
    with zipfile.ZipFile(every) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == single
    width, height = size_of(sheet.read_bytes())
    assert width > 2 * 256
    assert height > 2 * 256
    assert all(size_of(data) == (256, 256) for data in single.values())
    assert refused.value.code == "forbidden"


def test_the_command_draws_and_writes_the_sheet(
    url: str, token: str, context: WorkerContext, tmp_path: Path
) -> None:
    ordered(url, token, context, indices=[0, 1, 2, 5])
    env = {"ZOO_URL": url, "ZOO_KEY": token, "ZOO_HOME": str(tmp_path), "COLUMNS": "200"}
    command = [sys.executable, "-m", "zooscope.cli.main", "attributions", *MODELS]
    asked = ["--dataset", "dst_1", "--images", "0-2,5", "--out"]

    subprocess.run([*command, *asked, str(tmp_path / "sheet.png")], check=True, env=env)
    wrong = subprocess.run([*command, *asked, str(tmp_path / "sheet.gif")], check=False, env=env)

    width, height = size_of((tmp_path / "sheet.png").read_bytes())
    assert width > height > 2 * 256
    assert wrong.returncode == 1


def test_networks_of_another_project_are_gone_when_the_job_begins(
    url: str, token: str, context: WorkerContext, zoo: Zoo
) -> None:
    body = {"model_ids": MODELS, "dataset_id": "dst_1", "indices": [0]}
    with client_of(url, token) as client:
        job_id = client.post("/v1/attributions", json=body).json()["id"]
        with zoo.transaction() as session:
            session.get_one(ModelRecord, "mdl_1").project = "other"

        assert run_next(context)
        job = client.get(f"/v1/jobs/{job_id}").json()

    assert (job["state"], job["error"]["code"]) == ("failed", "input_deleted")
