"""Caches of the libraries, warm with random weights, and folders as the hub serves them."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import torch
from safetensors.torch import save_file
from torch import nn

from workers import torchvision_operators

torchvision_operators.install()
COMMIT = "0123456789abcdef0123456789abcdef01234567"
CLASSES = ["zebra", "ant", "bee"]


def warm_timm(home: Path, name: str) -> nn.Module:
    """A network of timm whose published weights are these random ones in the hub's cache."""
    import timm

    torch.manual_seed(0)
    network = timm.create_model(name).eval()
    cached = _snapshot(home, f"timm/{name}")
    save_file(network.state_dict(), cached / "model.safetensors")
    return network


def warm_torchvision(home: Path, name: str) -> nn.Module:
    """A network of torchvision whose default weights are these random ones in torch's cache."""
    from torchvision import models

    torch.manual_seed(0)
    weights = models.get_model_weights(name).DEFAULT
    is_segmentation = name in models.list_models(module=models.segmentation)
    network = models.get_model(
        name,
        weights=None,
        num_classes=len(weights.meta["categories"]),
        **({"weights_backbone": None} if is_segmentation else {}),
    )
    file = home / "hub" / "checkpoints" / Path(urlsplit(weights.url).path).name
    file.parent.mkdir(parents=True)
    torch.save(network.state_dict(), file)
    return network.eval()


def warm_hub(home: Path, repository: str, *, card: str) -> None:
    """A repository of timm in the hub's cache, with a model card."""
    timm_folder(_snapshot(home, repository))
    (_snapshot(home, repository) / "README.md").write_text(card)


def _snapshot(home: Path, repository: str) -> Path:
    """The folder of the cache that holds the only commit of a repository."""
    root = home / "hub" / f"models--{repository.replace('/', '--')}"
    (root / "refs").mkdir(parents=True, exist_ok=True)
    (root / "refs" / "main").write_text(COMMIT)
    snapshot = root / "snapshots" / COMMIT
    snapshot.mkdir(parents=True, exist_ok=True)
    return snapshot


def timm_folder(folder: Path, **arguments: Any) -> nn.Module:
    """A folder of ``timm.models.save_for_hf`` with named classes."""
    import timm
    from timm.models import save_for_hf

    torch.manual_seed(0)
    name = arguments.pop("name", "resnet10t")
    network = timm.create_model(name, num_classes=3, **arguments).eval()
    described = {"num_classes": 3, "label_names": CLASSES}
    save_for_hf(network, str(folder), model_config=described, safe_serialization=True)
    return network


def transformers_folder(folder: Path, *, processor: dict[str, Any] | None) -> nn.Module:
    """A folder of ``save_pretrained`` with a small vision transformer."""
    from transformers import ViTConfig, ViTForImageClassification

    torch.manual_seed(0)
    config = ViTConfig(
        hidden_size=48, num_hidden_layers=2, num_attention_heads=3, intermediate_size=96,
        image_size=64, patch_size=16, id2label=dict(enumerate(CLASSES)),
        label2id={name: number for number, name in enumerate(CLASSES)},
    )  # fmt: skip
    network = ViTForImageClassification(config).eval()
    network.save_pretrained(folder)
    if processor is not None:
        (folder / "preprocessor_config.json").write_text(json.dumps(processor))
    return network
