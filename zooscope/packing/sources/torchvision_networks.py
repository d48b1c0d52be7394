"""Networks of torchvision, by name, with the library's published weights."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from torch import Tensor, nn

from service.core.spelling import close_names
from workers import torchvision_operators
from zooscope.packing.packing import tensors_in
from zooscope.packing.refusal import PackingError
from zooscope.packing.sources import library_bars
from zooscope.packing.sources.details import Details, line
from zooscope.packing.sources.network import ImportableNetwork, LoadedNetwork
from zooscope.packing.user_code import running

_DATASETS = {
    "IMAGENET1K": "ImageNet-1k",
    "IMAGENET22K": "ImageNet-22k",
    "COCO_WITH_VOC_LABELS": "COCO with VOC labels",
}
_LOADABLE = "check the network connection, or fill the cache first (TORCH_HOME)"


class FirstOutput(nn.Module):
    """A segmentation network without its auxiliary output, which is for training."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """The first output."""
        return tensors_in(self.network(images))[0]


def published(name: str, details: Details) -> ImportableNetwork:
    """A network of torchvision, ``NAME`` or ``NAME:WEIGHTS``, with its published weights.

    Raises:
        PackingError: ``unknown_network`` or ``no_published_weights``.
    """
    torchvision_operators.install()
    from torchvision import models

    architecture, _, chosen = name.partition(":")
    is_segmentation = architecture in models.list_models(module=models.segmentation)
    if not is_segmentation and architecture not in models.list_models(module=models):
        raise _unknown(architecture, models.list_models())
    weights = _weights(architecture, chosen, list(models.get_model_weights(architecture)))

    def load() -> LoadedNetwork:
        with running("weights_not_loaded", f"torchvision cannot load {architecture}", _LOADABLE):
            # Fetches the file and reads it as weights alone; the constructor reads it again.
            weights.get_state_dict(
                progress=library_bars.on_terminal(), check_hash=True, weights_only=True
            )
            network = models.get_model(architecture, weights=weights, progress=False)
        revision = Path(urlsplit(weights.url).path).stem
        if not is_segmentation:
            return LoadedNetwork(network, revision)
        return LoadedNetwork(FirstOutput(network), revision, _without_auxiliary(network))

    full = f"{architecture}:{weights.name}"
    fields = _fields(
        weights, details, task="segmentation" if is_segmentation else "classification"
    )
    fields |= {"name": full.replace(":", "."), "source": line(f"torchvision: {full}")}
    notes = () if chosen else (f"took the default weights, {weights.name}",)
    return ImportableNetwork(name, fields, load, notes)


def _without_auxiliary(network: nn.Module) -> tuple[str, ...]:
    """What to say about an output that only training needs."""
    auxiliary = getattr(network, "aux_classifier", None)
    return () if auxiliary is None else ("dropped the auxiliary output, which is for training",)


def _weights(architecture: str, chosen: str, published_weights: list[Any]) -> Any:
    """The chosen weights, or the library's default."""
    by_name = {weights.name: weights for weights in published_weights}
    if not by_name or (chosen and chosen not in by_name):
        raise PackingError(
            "no_published_weights",
            f"torchvision has no published weights {chosen or 'at all'} for {architecture}",
            f"use one of: {', '.join(by_name)}" if by_name else "use `import checkpoint`",
        )
    return by_name[chosen] if chosen else type(published_weights[0]).DEFAULT


def _fields(weights: Any, details: Details, *, task: str) -> dict[str, Any]:
    """The manifest's fields in the description of published weights."""
    transform = weights.transforms()
    # Segmentation has no crop: the shorter side has the size at which the weights were measured.
    sizes = getattr(transform, "crop_size", None) or transform.resize_size
    height, width = details.size or (sizes[0], sizes[-1])
    dataset = weights.name.rpartition("_V")[0]
    return {
        "task": task,
        "input": {
            "channels": 3,
            "height": height,
            "width": width,
            "mean": tuple(transform.mean),
            "std": tuple(transform.std),
        },
        "classes": tuple(map(line, weights.meta.get("categories") or ())) or None,
        "license": line(weights.meta.get("license") or ""),
        "trained_on": next(
            (text for word, text in _DATASETS.items() if dataset.startswith(word)), ""
        ),
    }


def _unknown(architecture: str, names: list[str]) -> PackingError:
    from torchvision import models

    if architecture in models.list_models(module=models.detection):
        return PackingError(
            "detection_not_supported",
            f"{architecture} is a detection network: it returns boxes, a different number for each"
            " image, which no method compares",
            f"use its backbone: write a function that returns models.get_model({architecture!r},"
            " weights='DEFAULT').backbone.body or .backbone.features, and `import checkpoint` it"
            " with --task embedding",
        )
    if architecture in names:
        return PackingError(
            "unsupported_network",
            f"{architecture} is not a classifier or segmentation network of single images",
            "use its backbone: write a function that returns it, and `import checkpoint`",
        )
    close = close_names(architecture, names, most=4)
    return PackingError(
        "unknown_network",
        f"torchvision has no network called {architecture!r}",
        f"did you mean {', '.join(close)}?"
        if close
        else "list names with torchvision.models.list_models()",
    )
