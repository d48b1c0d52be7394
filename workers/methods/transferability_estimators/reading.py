"""One pass through the network: the feature of every image, and its class logits.

Axes: ``image``, ``side`` of the canonical frame, ``unit`` one number of the feature, ``source``
one class of the network.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float32, UInt8
from torch import Tensor

from workers.methods.transferability_estimators.outcome import TransferabilityEstimatorsData
from workers.programs import PassKind
from workers.programs.memory_needs import images_that_fit
from workers.torchkit.attribution.attribution import require_features_fit
from workers.torchkit.attribution.canonical import to_network_input
from workers.torchkit.attribution.features import Slope, UnusableFeatureError, resolve_layer
from workers.torchkit.devices import REFERENCE, computing_under, device_of
from workers.torchkit.protocols import Report

_LARGEST_BATCH = 32


@dataclass(frozen=True)
class Features:
    """Features and logits of the images; ``logits`` is None if the network is not a classifier."""

    features: Float32[Tensor, "image unit"]
    logits: Float32[Tensor, "image source"] | None


def read(inputs: TransferabilityEstimatorsData, layer: str | None, report: Report) -> Features:
    """Features and logits of the labeled images, float32 on the CPU.

    Raises:
        UnknownLayerError: The network has no such layer.
        UnusableFeatureError: A layer's output is not real numbers, one row per image.
        FeaturesTooLargeError: The features of all images exceed 2 GiB.
    """
    feature_layer = resolve_layer(inputs.network, layer)
    layers = (
        [feature_layer] if inputs.logits_layer is None else [feature_layer, inputs.logits_layer]
    )
    values = {name: torch.empty(0, 0) for name in layers}
    labeled = (inputs.labels >= 0).nonzero().squeeze(1)
    count = len(labeled)
    size = images_that_fit(
        inputs.network,
        most=_LARGEST_BATCH,
        kind=PassKind.FORWARD,
        limit_bytes=inputs.limit_bytes,
    )
    with torch.no_grad(), computing_under(REFERENCE, inputs.network):
        for start in range(0, count, size):
            batch = inputs.images[labeled[start : start + size]]
            for name, rows in _rows(inputs, batch, layers).items():
                if start == 0:
                    require_features_fit(count, rows.shape[1])
                    values[name] = torch.empty(count, rows.shape[1])
                values[name][start : start + len(batch)] = rows.cpu()
            report(min(start + size, count), count, "features")
    logits = None if inputs.logits_layer is None else values[inputs.logits_layer]
    return Features(values[feature_layer], logits)


def _rows(
    inputs: TransferabilityEstimatorsData,
    batch: UInt8[Tensor, "image side side 3"],
    layers: list[str],
) -> dict[str, Float32[Tensor, "image unit"]]:
    """Outputs of one batch by layer, one vector per image."""
    network = inputs.network
    pixels = to_network_input(batch.to(device_of(network)), inputs.preprocessing)
    outputs = network.read(pixels, list(dict.fromkeys(layers)), slope=Slope.EXACT)
    return {name: _flat(name, output, len(batch)) for name, output in outputs.items()}


def _flat(layer: str, output: Tensor, images: int) -> Float32[Tensor, "image unit"]:
    """One vector per image. Raises UnusableFeatureError."""
    if not output.is_floating_point() or output.shape[0] != images:
        raise UnusableFeatureError(
            f"layer {layer!r} gives {output.dtype} of shape {tuple(output.shape)}"
            f" for {images} images",
            remedy="choose a layer with real numbers, one row per image",
        )
    return output.reshape(images, -1).float()
