"""Networks of timm and torchvision that a checkpoint names, built for the weights that it holds."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from service.core.manifest import Architecture
from workers import torchvision_operators
from workers.programs.architectures import constructor_of
from workers.programs.expected_weights import ExpectedWeights, form_of
from workers.programs.refusal import ProgramRefusedError
from workers.programs.weight_sets import (
    WeightSelection,
    WeightSet,
    WeightsMismatch,
    select_weights,
)
from zooscope.packing.checkpoints import read_state_dicts
from zooscope.packing.named_architectures import StatedName, stated_names
from zooscope.packing.refusal import PackingError
from zooscope.packing.sources.torchvision_networks import FirstOutput

_AUXILIARY = "aux_classifier."
_HEADS = (nn.Linear, nn.Conv2d)
# The preset of torchvision's reference scripts, which no option of theirs changes.
_PRESET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}


@dataclass(frozen=True)
class KnownArchitecture:
    """A network of a library, with the fields of a manifest that its checkpoint states."""

    title: str
    fields: Mapping[str, Any]
    build: Callable[[], nn.Module]

    def answer(self, network: nn.Module) -> nn.Module:
        """The network, once it has its weights, with a single output."""
        return FirstOutput(network) if self.fields.get("task") == "segmentation" else network


def known_architecture(path: Path, *, key: str | None) -> KnownArchitecture | None:
    """The first network that a checkpoint names and that its weights fill; None if no library has one.

    Args:
        path: The checkpoint.
        key: Key or prefix of the weights to take; None for any.

    Raises:
        PackingError: ``weights_do_not_fit``, or the file is no checkpoint.
    """
    torchvision_operators.install()
    names = stated_names(path)
    if not names:
        return None
    weights = [
        WeightSet(each.key, {name: form_of(tensor) for name, tensor in each.tensors.items()})
        for each in read_state_dicts(path)
    ]
    refusal: PackingError | None = None
    for architecture in _candidates(names, weights):
        with torch.device("meta"):
            expected = ExpectedWeights.of(architecture.build())
        selection = select_weights(expected, weights, key=key)
        if isinstance(selection, WeightSelection) or selection.code != "weights_do_not_fit":
            return architecture
        refusal = refusal or _refusal(path, architecture, selection)
    if refusal is not None:
        raise refusal
    return None


def _refusal(
    path: Path, architecture: KnownArchitecture, mismatch: WeightsMismatch
) -> PackingError:
    return PackingError(
        "weights_do_not_fit",
        f"{path.name} does not fit {architecture.title}; {mismatch.detail}",
        "name the callable that builds the network that was trained: --module package.module:callable",
    )


def _candidates(
    names: Sequence[StatedName], weights: Sequence[WeightSet]
) -> Iterator[KnownArchitecture]:
    for stated in names:
        for read in (_of_timm, _of_torchvision):
            architecture = read(stated, weights)
            if architecture is not None:
                yield architecture


def _of_timm(stated: StatedName, weights: Sequence[WeightSet]) -> KnownArchitecture | None:
    """The network of timm by this name, as its train script builds it."""
    import timm
    from timm.models import get_pretrained_cfg

    name = stated.name.rpartition("/")[2].partition(".")[0]
    config: Any = (
        get_pretrained_cfg(name, allow_unregistered=True) if timm.is_model(name) else None
    )
    if config is None:
        return None
    facts = config.to_dict()
    heads = facts.get("classifier") or ()
    classes = _classes(weights, (heads,) if isinstance(heads, str) else tuple(heads))
    arguments: dict[str, Any] = {"num_classes": classes}
    if stated.settings.get("in_chans"):
        arguments["in_chans"] = int(stated.settings["in_chans"])
    spec = _timm_input(stated.settings, facts)
    if spec and facts.get("fixed_input_size"):
        arguments["img_size"] = (spec["height"], spec["width"])
    return KnownArchitecture(
        f"{name} of timm, which the checkpoint names as {stated.key}",
        {"task": "classification" if classes else "embedding", "input": spec},
        lambda: timm.create_model(name, pretrained=False, **arguments),
    )


def _timm_input(settings: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    """How timm's train script prepared images, from its arguments; empty if they are not there."""
    if not {"mean", "std", "img_size"} <= settings.keys():
        return {}
    from timm.data.config import resolve_data_config

    resolve: Any = resolve_data_config
    wanted = {name: settings.get(name) for name in ("mean", "std", "img_size", "input_size", "in_chans")}  # fmt: skip
    data = resolve(wanted, pretrained_cfg=dict(facts))
    _, height, width = data["input_size"]
    channels = int(settings.get("in_chans") or facts["input_size"][0])
    spec = {"channels": channels, "height": height, "width": width}
    prepared = {name: tuple(data[name]) for name in ("mean", "std")}
    fits = all(len(values) in {1, channels} for values in prepared.values())
    return {**spec, **prepared} if fits else spec


def _of_torchvision(stated: StatedName, weights: Sequence[WeightSet]) -> KnownArchitecture | None:
    """The network of torchvision by this name, as its reference scripts build it."""
    from torchvision import models

    arguments: dict[str, Any] = {}
    if any(_AUXILIARY in name for each in weights for name in each.forms):
        arguments["aux_loss"] = True
    try:
        plan = Architecture(library="torchvision", name=stated.name, arguments=arguments)
        with torch.device("meta"):
            whole = constructor_of(plan)()
    except (ValueError, ProgramRefusedError):
        return None
    heads = [name for name, module in whole.named_modules() if isinstance(module, _HEADS) and not name.startswith("aux")]  # fmt: skip
    classes = _classes(weights, tuple(heads[-1:]))
    counted = plan.model_copy(update={"arguments": {**arguments, "num_classes": classes or None}})
    is_segmentation = stated.name in models.list_models(module=models.segmentation)
    crop = stated.settings.get("val_crop_size")
    spec = {"height": int(crop), "width": int(crop), **_PRESET} if crop else {}
    return KnownArchitecture(
        f"{stated.name} of torchvision, which the checkpoint names as {stated.key}",
        {"task": "segmentation" if is_segmentation else "classification", "input": spec},
        constructor_of(counted),
    )


def _classes(weights: Sequence[WeightSet], heads: Sequence[str]) -> int:
    """The number of classes in the weights of the last layer; 0 if they are not there."""
    counts = [
        (name.count("."), shape[0])
        for each in weights
        for name, (shape, _) in each.forms.items()
        for head in heads
        if shape and f".{name}".endswith(f".{head}.weight")
    ]
    return min(counts, default=(0, 0))[1]
