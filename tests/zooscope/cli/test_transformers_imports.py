"""Folders of transformers are imported with their processor, and with all their weights."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from service.container import Zoo
from tests.zooscope.cli.library_caches import CLASSES, transformers_folder
from tests.zooscope.cli.offline import answers, offline
from tests.zooscope.cli.shells import Shell

__all__ = ["offline"]
pytestmark = pytest.mark.slow
torch.set_num_threads(1)

PROCESSORS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "mean and std": (
        {"image_mean": [0.5] * 3, "image_std": [0.25] * 3, "size": {"height": 64, "width": 64},
         "do_normalize": True},
        {"mean": [0.5] * 3, "std": [0.25] * 3, "range": [0.0, 1.0]},
    ),
    "no normalization": (
        {"do_normalize": False, "size": {"height": 64, "width": 64}},
        {"mean": [0.0] * 3, "std": [1.0] * 3, "range": [0.0, 1.0]},
    ),
    "0 to 255": (
        {"image_mean": [100] * 3, "image_std": [50] * 3, "do_rescale": False,
         "size": {"height": 64, "width": 64}},
        {"mean": [100.0] * 3, "std": [50.0] * 3, "range": [0.0, 255.0]},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PROCESSORS)
def test_a_folder_of_transformers_is_imported_with_its_processor(
    offline: Shell, zoo: Zoo, tmp_path: Path, name: str
):
    pytest.importorskip("transformers")
    processor, expected = PROCESSORS[name]
    network = transformers_folder(tmp_path / "vit", processor=processor)

    outcome = offline.json("import", "hf", str(tmp_path / "vit"), "--no-wait")

    model = outcome["model"]
    assert (model["classes"], model["task"]["kind"]) == (CLASSES, "classification")
    assert {field: model["input"][field] for field in expected} == expected
    assert model["input"]["height"] == 64
    batch = torch.randn(2, 3, 64, 64)
    torch.testing.assert_close(
        answers(zoo, outcome, batch, tmp_path), network(batch).logits, rtol=1e-4, atol=1e-5
    )


def test_a_folder_of_transformers_without_a_processor_asks_for_it(offline: Shell, tmp_path: Path):
    pytest.importorskip("transformers")
    transformers_folder(tmp_path / "vit", processor=None)

    problem = offline.error("import", "hf", str(tmp_path / "vit"))

    assert problem["code"] == "preprocessing_unknown"
    assert "--mean, --std" in problem["remedy"]
    assert offline.json("import", "hf", str(tmp_path / "vit"), "--mean", "0.5", "--std", "0.5", "--dry-run")  # fmt: skip


def test_weights_that_a_folder_lacks_are_not_made_up(offline: Shell, tmp_path: Path):
    pytest.importorskip("transformers")
    network = transformers_folder(tmp_path / "vit", processor=PROCESSORS["mean and std"][0])
    state = {n: t for n, t in network.state_dict().items() if not n.startswith("classifier")}
    save_file(state, tmp_path / "vit" / "model.safetensors", metadata={"format": "pt"})

    problem = offline.error("import", "hf", str(tmp_path / "vit"))

    assert problem["code"] == "weights_do_not_fit"
    assert "classifier" in problem["detail"]
