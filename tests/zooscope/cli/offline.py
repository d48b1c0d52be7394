"""A shell that imports networks without any internet, and what an imported network answers."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from service.container import Zoo
from service.core.tables import ModelRecord
from tests.zooscope.cli.shells import Shell
from workers.programs import read_program


@pytest.fixture
def offline(shell: Shell, tmp_path: Path) -> Shell:
    """A shell whose libraries have empty caches and no network."""
    shell.environment |= {
        "HF_HOME": str(tmp_path / "hf"), "TORCH_HOME": str(tmp_path / "torch"), "HF_HUB_OFFLINE": "1",
        "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1",
        "https_proxy": "http://127.0.0.1:9", "http_proxy": "",
    }  # fmt: skip
    return shell


def answers(zoo: Zoo, outcome: Any, images_: torch.Tensor, folder: Path) -> torch.Tensor:
    """What the uploaded file answers."""
    with zoo.transaction() as session:
        sha256 = session.get_one(ModelRecord, outcome["model"]["id"]).upload_sha256
    assert sha256 is not None
    zoo.blobs.fetch(sha256, folder / "uploaded.pt2")
    return read_program(folder / "uploaded.pt2")(images_)
