"""A checkpoint that names a network of a library needs no code of the user's own."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from tests.zooscope.packing.trainers import HyperParameters, prefixed
from workers import torchvision_operators
from zooscope.packing import PackingError
from zooscope.packing.sources import Details, LoadedNetwork, checkpoint_networks

torchvision_operators.install()
torch.set_num_threads(1)
SIDE = 64
TIMM_ARGUMENTS = {"model": "resnet10t", "num_classes": 7, "img_size": None, "input_size": None,
                  "in_chans": None, "mean": None, "std": None, "lr": 0.1}  # fmt: skip


def of_timm(**arguments: Any) -> nn.Module:
    import timm

    torch.manual_seed(0)
    return timm.create_model("resnet10t", **{"num_classes": 7, **arguments}).eval()


def of_torchvision(name: str, **arguments: Any) -> nn.Module:
    from torchvision import models

    torch.manual_seed(0)
    return models.get_model(name, weights=None, num_classes=7, **arguments).eval()


class Configuration(dict[str, Any]):
    """Settings of a class of their own."""


def _timm_script() -> tuple[nn.Module, Any]:
    network = of_timm()
    average = {name: tensor * 0.5 for name, tensor in network.state_dict().items()}
    return network, {
        "epoch": 3, "arch": "resnet10t", "state_dict": network.state_dict(), "version": 2,
        "args": argparse.Namespace(**TIMM_ARGUMENTS), "state_dict_ema": average, "metric": np.float64(71),
    }  # fmt: skip


def _timm_script_without_arguments() -> tuple[nn.Module, Any]:
    network = of_timm()
    return network, {"arch": "resnet10t.c3_in1k", "state_dict": network.state_dict()}


def _reference_script() -> tuple[nn.Module, Any]:
    network = of_torchvision("squeezenet1_1")
    settings = argparse.Namespace(model="squeezenet1_1", val_crop_size=SIDE, train_crop_size=48)
    return network, {"model": network.state_dict(), "args": settings, "epoch": 3}


def _segmentation_script() -> tuple[nn.Module, Any]:
    network = of_torchvision("deeplabv3_mobilenet_v3_large", weights_backbone=None, aux_loss=True)
    return network, {
        "model": network.state_dict(),
        "args": argparse.Namespace(model="deeplabv3_mobilenet_v3_large"),
    }


def _lightning() -> tuple[nn.Module, Any]:
    network = of_timm()
    state = prefixed(network.state_dict(), "model.") | {"criterion.weight": torch.ones(7)}
    settings = HyperParameters(lr=0.1, model_name="timm/resnet10t")
    return network, {"pytorch-lightning_version": "2.6", "state_dict": state, "hyper_parameters": settings}  # fmt: skip


def _nested_settings() -> tuple[nn.Module, Any]:
    network = of_timm()
    settings = {"model": {"name": "resnet10t", "width": 1}, "data": {"name": "leaves"}}
    return network, {"state_dict": prefixed(network.state_dict(), "net."), "config": settings}


def _encoder() -> tuple[nn.Module, Any]:
    network = of_timm(num_classes=0)
    state = prefixed(network.state_dict(), "module.encoder_q.")
    return network, {"arch": "resnet10t", "state_dict": state}


def _gray() -> tuple[nn.Module, Any]:
    network = of_timm(in_chans=1)
    settings = argparse.Namespace(**{**TIMM_ARGUMENTS, "in_chans": 1, "mean": [0.4], "std": [0.3]})
    return network, {"arch": "resnet10t", "state_dict": network.state_dict(), "args": settings}


CHECKPOINTS: dict[str, tuple[Callable[[], tuple[nn.Module, Any]], str, dict[str, Any]]] = {
    "timm's train script": (_timm_script, "classification", {"mean": (0.485, 0.456, 0.406)}),
    "without its arguments": (_timm_script_without_arguments, "classification", {}),
    "torchvision's reference script": (_reference_script, "classification", {"height": SIDE, "std": (0.229, 0.224, 0.225)}),
    "a reference script for segmentation": (_segmentation_script, "segmentation", {}),
    "lightning": (_lightning, "classification", {}),
    "nested settings": (_nested_settings, "classification", {}),
    "an encoder without a head": (_encoder, "embedding", {}),
    "gray images": (_gray, "classification", {"channels": 1, "mean": (0.4,)}),
}  # fmt: skip


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_a_checkpoint_that_names_its_network_needs_no_code(tmp_path: Path, name: str):
    make, task, prepared = CHECKPOINTS[name]
    network, content = make()
    torch.save(content, tmp_path / "best.pth.tar")

    described = checkpoint_networks.of(str(tmp_path / "best.pth.tar"), Details())

    loaded = described.load()
    assert isinstance(loaded, LoadedNetwork)
    assert described.fields["task"] == task
    assert {field: described.fields["input"][field] for field in prepared} == prepared
    assert set(described.fields["input"]) >= set(prepared)
    assert "which the checkpoint names as" in described.notes[0]
    images = torch.randn(2, described.fields["input"].get("channels", 3), SIDE, SIDE)
    expected = network(images)
    expected = expected["out"] if isinstance(expected, dict) else expected
    torch.testing.assert_close(loaded.module.eval()(images), expected)


def test_preparation_is_asked_for_where_the_script_left_no_arguments(tmp_path: Path):
    _, content = _timm_script_without_arguments()
    torch.save(content, tmp_path / "best.pth")
    described = checkpoint_networks.of(str(tmp_path / "best.pth"), Details())

    with pytest.raises(PackingError, match="how best expects") as caught:
        Details().over(described.fields)

    assert caught.value.code == "preprocessing_unknown"


def test_safetensors_may_state_the_network_in_their_header(tmp_path: Path):
    network = of_timm()
    save_file(network.state_dict(), tmp_path / "w.safetensors", metadata={"arch": "resnet10t"})

    loaded = checkpoint_networks.of(str(tmp_path / "w.safetensors"), Details()).load()

    assert isinstance(loaded, LoadedNetwork)
    images = torch.randn(2, 3, SIDE, SIDE)
    torch.testing.assert_close(loaded.module.eval()(images), network(images))


REFUSALS: dict[str, tuple[Callable[[], Any], str, str]] = {
    "no name": (lambda: {"state_dict": of_timm().state_dict()}, "module_needed", "not the network"),
    "a name of one's own": (
        lambda: {"state_dict": of_timm().state_dict(), "arch": "leafnet"},
        "module_needed", "'leafnet', which neither timm nor torchvision has",
    ),
    "another head": (
        lambda: {"arch": "resnet10t", "state_dict": {
            name.replace("fc.", "fc.1."): tensor for name, tensor in of_timm().state_dict().items()
        }},
        "weights_do_not_fit", "fc.1.weight",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSALS)
def test_a_network_that_is_not_known_asks_for_code(tmp_path: Path, name: str):
    make, code, words = REFUSALS[name]
    torch.save(make(), tmp_path / "w.pth")

    with pytest.raises(PackingError) as caught:
        checkpoint_networks.of(str(tmp_path / "w.pth"), Details())

    assert caught.value.code == code
    assert words in caught.value.detail
    assert "--module" in (caught.value.remedy or "")


def test_in_a_folder_the_name_counts_more_than_the_code_for_all(tmp_path: Path):
    network, content = _timm_script()
    torch.save(content, tmp_path / "named.pth")
    torch.save(nn.Linear(2, 2).state_dict(), tmp_path / "own.pth")
    details = Details(module="torch.nn:Linear", arguments={"in_features": 2, "out_features": 2})

    named, own = (
        checkpoint_networks.of_many(str(tmp_path / name), details).load()
        for name in ("named.pth", "own.pth")
    )

    assert isinstance(named, LoadedNetwork)
    assert isinstance(own, LoadedNetwork)
    assert type(named.module) is type(network)
    assert isinstance(own.module, nn.Linear)


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("best.pth.tar", "best"),
        ("model-00001-of-00002.safetensors", "model"),
        ("model.safetensors.index.json", "model"),
        ("v1.2.ckpt", "v1.2"),
    ],
)
def test_a_network_is_called_by_its_file_whatever_its_form(file: str, name: str):
    assert checkpoint_networks.stem_of(Path(file)) == name
