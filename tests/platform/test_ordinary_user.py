"""Whoever starts the service, uploads are checked, networks ranked and students exported."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import save_file

from service.core.manifest import Architecture
from tests.platform.ordinary_user import as_ordinary_user, where_only_files_name_users
from tests.platform.running import Up, started
from tests.waiting import HANG_SECONDS
from workers.programs.architectures import constructor_of
from zooscope import ZooClient

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]
SIDE = 32
ARCHITECTURE = {"library": "timm", "name": "test_resnet", "arguments": {"num_classes": 2}}
MANIFEST = {
    "format": "safetensors",
    "architecture": ARCHITECTURE,
    "task": {"kind": "classification"},
    "input": {"channels": 3, "height": SIDE, "width": SIDE},
    "classes": ["dark", "bright"],
}


def test_an_export_works_where_the_sandbox_hides_the_name_of_the_user(tmp_path: Path):
    name = f"ordinary{os.getpid()}"
    words = where_only_files_name_users(tmp_path, name=name)

    done = subprocess.run(
        [*words, sys.executable, "-m", "workers.tools.export_trial"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        check=True,
    )

    assert json.loads(done.stdout) == {"export": None}
    assert list(Path("/tmp").glob(f"torchinductor_{name}")) == []


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    up = started(tmp_path / "home", prefix=as_ordinary_user())
    yield up
    up.process.terminate()
    assert up.process.wait(HANG_SECONDS) == 0


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Eight dark and eight bright images, in a folder for each."""
    numbers = np.random.default_rng(0)
    for index, label in enumerate(("dark", "bright")):
        folder = tmp_path / "images" / label
        folder.mkdir(parents=True)
        for number in range(8):
            pixels = numbers.integers(120 * index, 120 * index + 120, (SIDE, SIDE, 3), np.uint8)
            Image.fromarray(pixels).save(folder / f"{number}.png")
    return tmp_path / "images"


def test_an_ordinary_user_uploads_ranks_and_trains(up: Up, images: Path, tmp_path: Path):
    weights = tmp_path / "network.safetensors"
    network = constructor_of(Architecture.model_validate(ARCHITECTURE))()
    save_file(network.state_dict(), weights)
    with ZooClient(up.running["rest_url"], key=up.key) as zoo:
        dataset = zoo.datasets.push(images, {"name": "light"})["id"]
        model = zoo.models.push(weights, {"name": "network", **MANIFEST})["id"]
        zoo.datasets.wait(dataset)
        zoo.models.wait(model)

        ranking = zoo.rank(probes=dataset, dataset=dataset, candidates=[model])
        training = zoo.jobs.submit(
            "knowledge_distillation",
            teachers=[model],
            dataset_id=dataset,
            student={"architecture": "plain", "width": 4, "image_size": 8},
            budget={"steps": 2},
        )
        student = zoo.jobs.wait(training["id"])

        assert [item["model_id"] for item in ranking["items"]] == [model]
        assert student["state"] == "succeeded"
        assert zoo.models.show(student["result"]["model_id"])["state"] == "ready"
