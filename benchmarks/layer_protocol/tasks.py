"""The tasks: real images of 32 × 32 pixels with labels, and how they are divided."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmarks.layer_protocol.networks import SIDE
from benchmarks.real_networks import image_sets
from benchmarks.real_networks.image_sets import LabeledImages
from service.core.manifest import InputSpec
from workers.torchkit.attribution.canonical import Preprocessing, to_network_input

INPUT = InputSpec(channels=3, height=SIDE, width=SIDE, mean=(0.5,) * 3, std=(0.25,) * 3)
ANIMALS = ("bird", "cat", "deer", "dog", "frog", "horse")
VEHICLES = ("airplane", "automobile", "ship", "truck")
POOL, TESTED, PROBES = 5000, 1000, 200


@dataclass(frozen=True)
class ImageTask:
    """Images for learning, for testing and for looking, with no image in two of them.

    Frames are (image, 32, 32, 3) uint8; ``pool`` is all labeled data that a target has.
    """

    name: str
    classes: int
    pool: Tensor
    pool_labels: Tensor
    test: Tensor
    test_labels: Tensor
    probes: Tensor


def as_inputs(frames: Tensor, preprocessing: Preprocessing | None = None) -> Tensor:
    """Frames as a network of the protocol takes them."""
    spec = Preprocessing.of(INPUT) if preprocessing is None else preprocessing
    return to_network_input(frames, spec, memory_format=torch.channels_last)


def drawn(labels: Tensor, share: float, *, seed: int) -> Tensor:
    """Positions of ``share`` of every class, at least one each; which ones depends on the seed."""
    generator = torch.Generator().manual_seed(seed)
    positions = []
    for label in range(int(labels.max()) + 1):
        own = (labels == label).nonzero().squeeze(1)
        count = max(1, round(share * len(own)))
        positions.append(own[torch.randperm(len(own), generator=generator)[:count]])
    return torch.cat(positions)


def all_tasks(data: Path) -> dict[str, ImageTask]:
    """Every task by name."""
    cifar = [image_sets.cifar10(data, part) for part in ("train_1of5", "test_first3000")]
    animals = _task("animals", *(only(part, ANIMALS) for part in cifar))
    return {
        "animals": animals,
        "vehicles": _task("vehicles", *(only(part, VEHICLES) for part in cifar)),
        "rotated animals": rotated(animals),
        "Fashion-MNIST": _gray(data, "fashion_mnist", "Fashion-MNIST"),
        "MNIST": _gray(data, "mnist", "MNIST"),
    }


def only(images: LabeledImages, classes: tuple[str, ...]) -> LabeledImages:
    """The images of some classes, labeled by their index in ``classes``."""
    chosen = [
        (image, classes.index(images.classes[label]))
        for image, label in zip(images.images, images.labels, strict=True)
        if images.classes[label] in classes
    ]
    return LabeledImages(
        tuple(image for image, _ in chosen), tuple(label for _, label in chosen), classes
    )


def rotated(task: ImageTask) -> ImageTask:
    """The same images, each turned by one of four right angles; the label is the angle."""
    pool, pool_labels = _turned(task.pool)
    test, test_labels = _turned(task.test)
    name = f"rotated {task.name}"
    return ImageTask(name, 4, pool, pool_labels, test, test_labels, _turned(task.probes)[0])


def _turned(frames: Tensor) -> tuple[Tensor, Tensor]:
    angles = torch.arange(len(frames)) % 4
    turned = [torch.rot90(frame, int(angle)) for frame, angle in zip(frames, angles, strict=True)]
    return torch.stack(turned), angles


def _gray(data: Path, folder: str, name: str) -> ImageTask:
    parts = [image_sets.gray_digits(data, folder, part) for part in ("train", "t10k")]
    return _task(name, *parts)


def _task(name: str, learning: LabeledImages, testing: LabeledImages) -> ImageTask:
    pool, test = learning.first(POOL), testing.first(TESTED + PROBES)
    frames, labels = _frames(test), torch.tensor(test.labels)
    return ImageTask(
        name,
        len(pool.classes),
        _frames(pool),
        torch.tensor(pool.labels),
        frames[PROBES:],
        labels[PROBES:],
        frames[:PROBES],
    )


def _frames(images: LabeledImages) -> Tensor:
    """RGB of 32 × 32; smaller gray images get a margin of their darkest value, 0."""
    pixels = np.stack(images.images)
    if pixels.ndim == 3:
        pixels = np.repeat(pixels[..., None], 3, axis=3)
    margin = (SIDE - pixels.shape[1]) // 2
    return torch.from_numpy(np.pad(pixels, ((0, 0), (margin,) * 2, (margin,) * 2, (0, 0))).copy())
