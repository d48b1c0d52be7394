"""ONNX files are imported by name and from folders, with what the file says about its images."""

import json
from pathlib import Path

import pytest
import torch

from tests.workers.programs.networks import Plain, made
from tests.workers.programs.onnx_files import write_script
from tests.workers.programs.onnx_hostile_cases import CASES
from tests.zooscope.cli.offline import offline
from tests.zooscope.cli.shells import Shell

__all__ = ["offline"]
pytestmark = pytest.mark.slow
torch.set_num_threads(1)
PREPARED = ("--mean", "0.5", "--std", "0.25")


def test_an_onnx_file_is_imported_with_the_size_that_it_fixes(offline: Shell, tmp_path: Path):
    path = write_script(made(Plain), tmp_path / "leaves.onnx")
    words = ("import", "onnx", str(path), *PREPARED, "--license", "MIT", "--no-wait")

    outcome = offline.json(*words)
    again = offline.json(*words)

    model = outcome["model"]
    assert (model["name"], model["format"], model["license"]) == ("leaves", "onnx", "MIT")
    assert (model["source"], model["input"]["height"]) == ("file: leaves.onnx", 12)
    assert model["revision"].startswith("sha256:")
    assert (again["state"], again["model"]["id"]) == ("present", model["id"])


def test_what_an_onnx_file_does_not_say_is_asked_for(offline: Shell, tmp_path: Path):
    path = write_script(made(Plain), tmp_path / "leaves.onnx")

    problem = offline.error("import", "onnx", str(path), "--mean", "0.5")

    assert (problem["code"], "--std" in problem["remedy"]) == ("preprocessing_unknown", True)


@pytest.mark.parametrize("name", ["quantized steps", "weights in another file", "a loop"])
def test_a_file_that_the_zoo_refuses_is_not_uploaded(offline: Shell, tmp_path: Path, name: str):
    make, code = CASES[name]
    (tmp_path / "net.onnx").write_bytes(make())

    problem = offline.error("import", "onnx", str(tmp_path / "net.onnx"), *PREPARED)

    assert (problem["code"], bool(problem["remedy"])) == (code, True)
    assert offline.json("models", "ls") == []


def test_a_folder_of_onnx_files_is_imported(offline: Shell, tmp_path: Path):
    folder = tmp_path / "networks"
    folder.mkdir()
    write_script(made(Plain), folder / "leaves.onnx")
    written = {"input": {"height": 12, "width": 12, "mean": [0.1], "std": [0.2]}, "license": "MIT"}
    (folder / "leaves.manifest.json").write_text(json.dumps(written))

    (row,) = offline.json("import", "folder", str(folder), "--no-wait")

    assert (row["title"], row["kind"], row["state"]) == ("leaves.onnx", "ONNX", "uploaded")
    model = offline.json("models", "show", row["id"])
    assert (model["license"], model["input"]["mean"]) == ("MIT", [0.1, 0.1, 0.1])
