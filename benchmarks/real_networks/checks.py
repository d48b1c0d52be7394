"""Does a rebuilt network do what was published? Measured on labeled real images.

The preparation of the images here is written from each network's description and shares no code
with the service, so that it also checks the input that the manifest states.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from benchmarks.real_networks import image_sets, lprnet
from benchmarks.real_networks.image_sets import LabeledImages, Pixels
from benchmarks.real_networks.network import Check, RealNetwork
from service.core.manifest import ChannelOrder, InputSpec

_BATCH = 50
_CENTER_SHARE = 0.875
_VOID = 11
Score = Callable[[RealNetwork, Path, int], "CheckFigure"]


@dataclass(frozen=True)
class CheckFigure:
    """A figure in per cent, what it is, and the number of images behind it."""

    figure: float
    what: str
    images: int


def measured(network: RealNetwork, data: Path, *, limit: int) -> CheckFigure | None:
    """The network's figure on at most ``limit`` images; None where no labels are at hand."""
    score = _SCORES.get(network.check)
    return None if score is None else score(network, data, limit)


def prepared(images: Sequence[Pixels], spec: InputSpec) -> Tensor:
    """(n, channels, height, width), float32, as the manifest states it."""
    mode = "L" if spec.channels == 1 else "RGB"
    size = (spec.width, spec.height)
    frames = [
        np.asarray(Image.fromarray(image).convert(mode).resize(size, Image.Resampling.BILINEAR))
        for image in images
    ]
    pixels = torch.from_numpy(np.stack(frames)).float() / 255
    planes = pixels[:, None] if mode == "L" else pixels.permute(0, 3, 1, 2)
    if spec.channel_order is ChannelOrder.BGR:
        planes = planes.flip(1)
    low, high = spec.range
    mean, std = (torch.tensor(values)[:, None, None] for values in (spec.mean, spec.std))
    return (low + (high - low) * planes - mean) / std


@torch.inference_mode()
def answers(module: nn.Module, images: Sequence[Pixels], spec: InputSpec) -> Tensor:
    """The module's answers to all images, in small batches."""
    parts = [
        module(prepared(images[start : start + _BATCH], spec))
        for start in range(0, len(images), _BATCH)
    ]
    return torch.cat(parts)


def _accuracy(network: RealNetwork, data: Path, examples: LabeledImages) -> CheckFigure:
    """Per cent of images whose highest class is the label."""
    scores = answers(network.module(data), examples.images, network.input)
    guessed = scores[:, network.background :].argmax(dim=1)
    right = guessed == torch.tensor(examples.labels)
    return CheckFigure(100 * right.float().mean().item(), "top-1", len(examples.labels))


def _on_cifar(network: RealNetwork, data: Path, limit: int) -> CheckFigure:
    return _accuracy(network, data, image_sets.cifar10(data, "test_first3000").first(limit))


def _on_digits(network: RealNetwork, data: Path, limit: int) -> CheckFigure:
    return _accuracy(network, data, image_sets.gray_digits(data, "mnist", "t10k").first(limit))


def _on_fashion(network: RealNetwork, data: Path, limit: int) -> CheckFigure:
    clothes = image_sets.gray_digits(data, "fashion_mnist", "t10k")
    return _accuracy(network, data, clothes.first(limit))


def _on_photographs(network: RealNetwork, data: Path, limit: int) -> CheckFigure:
    """The center of each photograph, seven eighths of its shorter side."""
    photographs = image_sets.imagenet_samples(data).first(limit)
    centers = tuple(_center(image) for image in photographs.images)
    return _accuracy(
        network, data, LabeledImages(centers, photographs.labels, photographs.classes)
    )


def _center(image: Pixels) -> Pixels:
    height, width = image.shape[:2]
    side = round(min(height, width) * _CENTER_SHARE)
    top, left = (height - side) // 2, (width - side) // 2
    return image[top : top + side, left : left + side]


def _on_streets(network: RealNetwork, data: Path, limit: int) -> CheckFigure:
    """Mean intersection over union of the eleven classes, void left out."""
    scenes = list(image_sets.camvid(data))[:limit]
    scores = answers(network.module(data), [image for image, _ in scenes], network.input)
    guessed = scores[:, :_VOID].argmax(dim=1).numpy()
    truth = np.stack([labels for _, labels in scenes])
    labeled = truth < _VOID
    cells = np.bincount(truth[labeled] * _VOID + guessed[labeled], minlength=_VOID**2)
    table = cells.reshape(_VOID, _VOID)
    union = table.sum(0) + table.sum(1) - table.diagonal()
    return CheckFigure(float(100 * (table.diagonal() / union).mean()), "mean IoU", len(scenes))


def _on_plates(network: RealNetwork, data: Path, limit: int) -> CheckFigure:
    """Per cent of plates read without a mistake."""
    images, texts = image_sets.plates(data)
    images, texts = images[:limit], texts[:limit]
    read = lprnet.plates(answers(network.module(data), images, network.input))
    right = sum(guess == text for guess, text in zip(read, texts, strict=True))
    return CheckFigure(100 * right / len(texts), "exact plates", len(texts))


def _on_copies(network: RealNetwork, data: Path, limit: int) -> CheckFigure:
    """Share of the pixels' variance that the reconstruction explains."""
    digits = image_sets.gray_digits(data, "mnist", "t10k").first(limit)
    truth = prepared(digits.images, network.input)
    copies = answers(network.module(data), digits.images, network.input)
    unexplained = (copies - truth).square().sum() / (truth - truth.mean(0)).square().sum()
    return CheckFigure(100 * (1 - unexplained.item()), "variance explained", len(truth))


_SCORES: dict[Check, Score] = {
    Check.CIFAR10: _on_cifar,
    Check.MNIST: _on_digits,
    Check.FASHION: _on_fashion,
    Check.IMAGENET: _on_photographs,
    Check.CAMVID: _on_streets,
    Check.PLATES: _on_plates,
    Check.DIGIT_COPY: _on_copies,
}
