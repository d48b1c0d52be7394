"""Networks of timm: by name with published weights, and folders that timm saved."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from service.core.spelling import close_names
from workers import torchvision_operators
from zooscope.packing.refusal import PackingError
from zooscope.packing.sources import library_bars
from zooscope.packing.sources.details import Details, line
from zooscope.packing.sources.hub_files import cached_revision, card_fields, folder_revision
from zooscope.packing.sources.network import ImportableNetwork, LoadedNetwork
from zooscope.packing.user_code import running

_DATASETS = {
    "in1k": "ImageNet-1k", "in12k": "ImageNet-12k", "in21k": "ImageNet-21k", "in22k": "ImageNet-22k",
    "in11k": "ImageNet-11k", "inat21": "iNaturalist 2021", "lvd142m": "LVD-142M", "laion2b": "LAION-2B",
    "laion400m": "LAION-400M", "merged2b": "Merged-2B", "webli": "WebLI", "yfcc15m": "YFCC-15M",
}  # fmt: skip
_LOADABLE = (
    "check the network connection, or fill the cache first (HF_HOME, TORCH_HOME) and set "
    "HF_HUB_OFFLINE=1"
)


def published(name: str, details: Details) -> ImportableNetwork:
    """A network of timm's registry, ``NAME`` or ``NAME.TAG``, with its published weights.

    Raises:
        PackingError: ``unknown_network`` or ``no_published_weights``.
    """
    torchvision_operators.install()
    import timm

    config = _config_of(name)
    full = f"{name.partition('.')[0]}.{config.tag}" if config.tag else name
    facts = config.to_dict()
    arguments = _size_arguments(facts, details)

    def load() -> LoadedNetwork:
        library_bars.on_terminal()
        with running("weights_not_loaded", f"timm cannot load {full}", _LOADABLE):
            module = timm.create_model(full, pretrained=True, **arguments)
        hub = facts.get("hf_hub_id")
        revision = cached_revision(hub) if hub else Path(str(facts.get("url"))).stem
        return LoadedNetwork(module, revision)

    fields = fields_of(facts, tag=config.tag) | {"name": full, "source": line(f"timm: {full}")}
    notes = () if "." in name else (f"took the default weights, {full}",)
    return ImportableNetwork(name, fields, load, notes)


def _config_of(name: str) -> Any:
    """Timm's configuration of published weights.

    Raises:
        PackingError: ``unknown_network`` or ``no_published_weights``.
    """
    import timm
    from timm.models import get_pretrained_cfg

    architecture, _, tag = name.partition(".")
    if not timm.is_model(architecture):
        raise PackingError(
            "unknown_network",
            f"timm has no network called {architecture!r}",
            _similar(architecture, timm.list_models()),
        )
    tags = [full.partition(".")[2] for full in timm.list_pretrained(f"{architecture}*")
            if full.partition(".")[0] == architecture]  # fmt: skip
    if not tags or (tag and tag not in tags):
        raise PackingError(
            "no_published_weights",
            f"timm has no published weights {name!r}",
            f"use one of: {', '.join(tags)}" if tags else "use `import checkpoint`",
        )
    return get_pretrained_cfg(name)


def is_folder(folder: Path) -> bool:
    """Whether timm saved this folder."""
    return "architecture" in _config(folder)


def of_folder(folder: Path, details: Details) -> ImportableNetwork:
    """The network in a folder of ``timm.models.save_for_hf``."""
    torchvision_operators.install()
    import timm

    local = f"local-dir:{folder.resolve()}"
    with running(
        "not_a_network", f"timm cannot read {folder}/config.json", "save it again with timm"
    ):
        with torch.device("meta"):
            plan = timm.create_model(local, pretrained=False)
        facts: dict[str, Any] = plan.pretrained_cfg  # type: ignore[assignment]
    arguments = _size_arguments(facts, details)

    def load() -> LoadedNetwork:
        with running(
            "weights_not_loaded", f"timm cannot load {folder}", "download the folder again"
        ):
            module = timm.create_model(local, pretrained=True, **arguments)
        return LoadedNetwork(module, folder_revision(folder))

    fields = fields_of(facts, tag=None) | card_fields(folder)
    fields["name"] = line(folder.resolve().name)
    return ImportableNetwork(str(folder), fields, load)


def fields_of(facts: Mapping[str, Any], *, tag: str | None) -> dict[str, Any]:
    """The manifest's fields in timm's configuration of weights."""
    channels, height, width = facts["input_size"]
    classes = facts.get("num_classes") or 0
    trained_on = _trained_on(tag)
    fields: dict[str, Any] = {
        "task": "classification" if classes else "embedding",
        "input": {
            "channels": channels,
            "height": height,
            "width": width,
            "mean": tuple(facts["mean"]),
            "std": tuple(facts["std"]),
        },
        "license": line(facts.get("license") or ""),
        "trained_on": trained_on,
    }
    names = _class_names(facts, trained_on)
    if names is not None and len(names) == classes:
        fields["classes"] = tuple(map(line, names))
    return fields


def _trained_on(tag: str | None) -> str:
    """The data set that the weights were trained on last, from timm's tag; empty if it names none."""
    words = (tag or "").split("_")
    return next((_DATASETS[word] for word in reversed(words) if word in _DATASETS), "")


def _class_names(facts: Mapping[str, Any], trained_on: str) -> list[str] | None:
    """The class names of the weights; those of ImageNet only if the weights are from it."""
    names = facts.get("label_names")
    if isinstance(names, dict):
        # Numbers of outputs, perhaps with gaps: then not every output has a name.
        names = [name for number, name in sorted(names.items(), key=lambda item: int(item[0]))]
    if names:
        descriptions = facts.get("label_descriptions") or {}
        return [descriptions.get(name, name) for name in names]
    if not trained_on.startswith("ImageNet"):
        return None
    from timm.data.imagenet_info import ImageNetInfo, infer_imagenet_subset

    subset = infer_imagenet_subset(dict(facts))
    return list(ImageNetInfo(subset).label_descriptions()) if subset else None


def _size_arguments(facts: Mapping[str, Any], details: Details) -> dict[str, Any]:
    """What builds the network for another input size, where its weights depend on the size."""
    if details.size is None or not facts.get("fixed_input_size"):
        return {}
    return {"img_size": details.size}


def _config(folder: Path) -> dict[str, Any]:
    try:
        content = json.loads((folder / "config.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _similar(name: str, names: list[str]) -> str:
    close = close_names(name, names, most=4)
    return f"did you mean {', '.join(close)}?" if close else "list names with timm.list_models()"
