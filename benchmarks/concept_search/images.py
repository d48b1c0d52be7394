"""The probes, and the classes that serve as concepts, as canonical frames."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image
from torch import Tensor

from benchmarks.real_networks import image_sets
from benchmarks.real_networks.image_sets import LabeledImages, Pixels

SEED = 20261201
LARGEST_SIDE = 256
PER_CLASS = 60
SMALLEST_CLASS = 25
_PROBES_OF_CLASSES = {"flowers": 30, "CIFAR-10": 50, "MNIST": 30, "Fashion-MNIST": 30}
_READERS: dict[str, Callable[[Path], LabeledImages]] = {
    "flowers": image_sets.flowers,
    "CIFAR-10": lambda data: image_sets.cifar10(data, "test_first3000"),
    "MNIST": lambda data: image_sets.gray_digits(data, "mnist", "t10k"),
    "Fashion-MNIST": lambda data: image_sets.gray_digits(data, "fashion_mnist", "t10k"),
}


@dataclass(frozen=True)
class ImageGroup:
    """Images of one source as frames of one side; ``classes`` holds the class of each, if it has one."""

    name: str
    frames: UInt8[Tensor, "image side side 3"]
    classes: tuple[str, ...] = ()


def groups(data: Path) -> list[ImageGroup]:
    """The probes first; then the images of every concept, none of which is a probe."""
    rng = np.random.default_rng(SEED)
    probes: list[Pixels] = list(_some(image_sets.imagenet_samples(data).images, 150, rng))
    probes += [scene for scene, _ in image_sets.camvid(data)][:30]
    probes += _some(image_sets.plates(data)[0], 20, rng)
    concepts = []
    for name, read in _READERS.items():
        labeled = read(data)
        order = rng.permutation(len(labeled.images))
        count = _PROBES_OF_CLASSES[name]
        probes += [labeled.images[index] for index in order[:count]]
        concepts.append(_concepts(name, labeled, order[count:]))
    return [ImageGroup("probes", _frames(probes)), *concepts]


def _concepts(name: str, labeled: LabeledImages, order: Sequence[int]) -> ImageGroup:
    """At most sixty images of every class."""
    images: list[Pixels] = []
    classes: list[str] = []
    for label in sorted(set(labeled.labels)):
        chosen = [index for index in order if labeled.labels[index] == label][:PER_CLASS]
        if len(chosen) >= SMALLEST_CLASS:
            images += [labeled.images[index] for index in chosen]
            classes += [labeled.classes[label]] * len(chosen)
    return ImageGroup(name, _frames(images), tuple(classes))


def _some(images: Sequence[Pixels], count: int, rng: np.random.Generator) -> Sequence[Pixels]:
    """``count`` images, drawn without replacement."""
    return [images[index] for index in rng.permutation(len(images))[:count]]


def _frames(images: Sequence[Pixels]) -> UInt8[Tensor, "image side side 3"]:
    """Center squares of the side that the service would choose."""
    side = min(LARGEST_SIDE, int(np.median([min(image.shape[:2]) for image in images])))
    return torch.from_numpy(np.stack([_frame(image, side) for image in images]))


def _frame(image: Pixels, side: int) -> Pixels:
    picture = Image.fromarray(image).convert("RGB")
    short = min(picture.size)
    left, top = (picture.width - short) // 2, (picture.height - short) // 2
    square = picture.crop((left, top, left + short, top + short))
    return np.asarray(square.resize((side, side), Image.Resampling.BILINEAR))
