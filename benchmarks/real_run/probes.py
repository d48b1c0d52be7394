"""The images of the run as files: a mixed probe set and the labeled targets."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.real_networks import image_sets
from benchmarks.real_networks.image_sets import LabeledImages, Pixels


@dataclass(frozen=True)
class Probes:
    """Images in one folder, in the order of their names; ``sources`` says where each is from.

    ``scenes`` are positions of the street scenes that have class maps, by their order there.
    """

    folder: Path
    sources: tuple[str, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Images of each source."""
        return dict(Counter(self.sources))

    def positions(self, source: str) -> list[int]:
        """Where the images of a source stand."""
        return [position for position, origin in enumerate(self.sources) if origin == source]


def write_probes(data: Path, folder: Path, *, seed: int) -> Probes:
    """340 real images; photographs are the majority, so that the canonical frame is theirs.

    Images that some network of the run was trained on are few: all CIFAR-10, MNIST and
    Fashion-MNIST images come from the test parts.
    """
    generator = np.random.default_rng(seed)
    groups: dict[str, tuple[Pixels, ...]] = {
        "ImageNet samples": _some(image_sets.imagenet_samples(data).images, 150, generator),
        "flowers": _some(image_sets.flowers(data).images, 30, generator),
        "CamVid streets": tuple(scene for scene, _ in image_sets.camvid(data))[:30],
        "CIFAR-10": _some(image_sets.cifar10(data, "test_first3000").images, 50, generator),
        "MNIST": _some(image_sets.gray_digits(data, "mnist", "t10k").images, 30, generator),
        "Fashion-MNIST": _some(
            image_sets.gray_digits(data, "fashion_mnist", "t10k").images, 30, generator
        ),
        "number plates": _some(image_sets.plates(data)[0], 20, generator),
    }
    folder.mkdir(parents=True)
    sources: list[str] = []
    for name, images in groups.items():
        for image in images:
            Image.fromarray(image).save(folder / f"{len(sources):04d}.png")
            sources.append(name)
    return Probes(folder, tuple(sources))


def write_own(data: Path, folder: Path, count: int) -> Path:
    """The first Fashion-MNIST test images: a probe set of the target's own kind."""
    folder.mkdir()
    clothes = image_sets.gray_digits(data, "fashion_mnist", "t10k")
    for number, image in enumerate(clothes.images[:count]):
        Image.fromarray(image).save(folder / f"{number:04d}.png")
    return folder


def write_labeled(images: LabeledImages, folder: Path) -> Path:
    """One sub-folder per class."""
    for number, (image, label) in enumerate(zip(images.images, images.labels, strict=True)):
        class_folder = folder / images.classes[label].replace("/", "-")
        class_folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(class_folder / f"{number:05d}.png")
    return folder


def _some(
    images: tuple[Pixels, ...], count: int, generator: np.random.Generator
) -> tuple[Pixels, ...]:
    """``count`` images, drawn without replacement."""
    return tuple(images[index] for index in generator.permutation(len(images))[:count])
