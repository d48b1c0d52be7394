"""Labeled targets of the benchmark, as canonical frames."""

import io
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int64, UInt8
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_digits
from torch import Tensor

from benchmarks.real_networks import image_sets
from benchmarks.real_networks.image_sets import LabeledImages, Pixels

SEED = 20261130
PER_CLASS, CLASSES = 20, 10
LARGEST_SIDE = 224
PATCH = 32
SMALLEST_CLASS = 20
_VOID = 11
_OMNIGLOT = {
    "Greek": "images_background_small1",
    "Korean": "images_background_small1",
    "Sanskrit": "images_background_small2",
    "Tagalog": "images_background_small2",
}


@dataclass(frozen=True)
class LabeledTarget:
    """A labeled set. ``is_held_back``: no rule was chosen on it."""

    name: str
    is_held_back: bool
    frames: UInt8[Tensor, "image side side 3"]
    labels: Int64[Tensor, " image"]


def targets(data: Path) -> Iterator[LabeledTarget]:
    """All targets: those of development first."""
    for name, (read, is_held_back) in _READERS.items():
        yield _drawn(name, read(data), is_held_back=is_held_back)


def _drawn(name: str, labeled: LabeledImages, *, is_held_back: bool) -> LabeledTarget:
    """At most twenty images of each of at most ten classes, as frames of one side."""
    rng = np.random.default_rng(SEED)
    labels = np.asarray(labeled.labels)
    classes = [c for c in np.unique(labels) if (labels == c).sum() >= SMALLEST_CLASS]
    chosen_classes = sorted(rng.permutation(classes)[:CLASSES].tolist())
    indices = [rng.permutation(np.flatnonzero(labels == c))[:PER_CLASS] for c in chosen_classes]
    side = min(LARGEST_SIDE, *(min(labeled.images[i].shape[:2]) for i in indices[0]))
    frames = np.stack([_frame(labeled.images[i], side) for part in indices for i in part])
    numbers = [number for number, part in enumerate(indices) for _ in part]
    return LabeledTarget(name, is_held_back, torch.from_numpy(frames), torch.tensor(numbers))


def _frame(image: Pixels, side: int) -> Pixels:
    """The center square as RGB."""
    picture = Image.fromarray(image).convert("RGB")
    short = min(picture.size)
    left, top = (picture.width - short) // 2, (picture.height - short) // 2
    square = picture.crop((left, top, left + short, top + short))
    return np.asarray(square.resize((side, side), Image.Resampling.BILINEAR))


def _omniglot(alphabet: str) -> Callable[[Path], LabeledImages]:
    """A reader of one alphabet's characters, black on white."""

    def read(data: Path) -> LabeledImages:
        path = data / "images" / "omniglot_small" / f"{_OMNIGLOT[alphabet]}.zip"
        images, names = [], []
        with zipfile.ZipFile(path) as archive:
            for member in sorted(archive.namelist()):
                if f"/{alphabet}/" in member and member.endswith(".png"):
                    picture = Image.open(io.BytesIO(archive.read(member)))
                    images.append(np.asarray(picture.convert("RGB")))
                    names.append(Path(member).parent.name)
        classes = tuple(sorted(set(names)))
        labels = tuple(classes.index(name) for name in names)
        return LabeledImages(tuple(images), labels, classes)

    return read


def _digits(_data: Path) -> LabeledImages:
    """scikit-learn's digits, 8 × 8."""
    digits = load_digits()
    images = tuple((image * 15.9375).astype(np.uint8) for image in digits.images)
    return LabeledImages(images, tuple(digits.target.tolist()), tuple("0123456789"))


def _patches(data: Path) -> LabeledImages:
    """Squares of street scenes in which nine pixels of ten have one label."""
    images, labels = [], []
    for scene, truth in image_sets.camvid(data):
        for patch, label in _pure_patches(scene, truth):
            images.append(patch)
            labels.append(label)
    return LabeledImages(tuple(images), tuple(labels), tuple(map(str, range(_VOID))))


def _pure_patches(scene: Pixels, truth: NDArray[np.uint8]) -> Iterator[tuple[Pixels, int]]:
    for top in range(0, scene.shape[0] - PATCH + 1, PATCH):
        for left in range(0, scene.shape[1] - PATCH + 1, PATCH):
            window = slice(top, top + PATCH), slice(left, left + PATCH)
            counts = np.bincount(truth[window].ravel(), minlength=_VOID + 1)
            label = int(counts.argmax())
            if label < _VOID and counts[label] >= 0.9 * PATCH**2:
                yield scene[window], label


_READERS: dict[str, tuple[Callable[[Path], LabeledImages], bool]] = {
    "flowers": (image_sets.flowers, False),
    "CIFAR-10": (lambda data: image_sets.cifar10(data, "test_first3000"), False),
    "Fashion-MNIST": (lambda data: image_sets.gray_digits(data, "fashion_mnist", "t10k"), False),
    "MNIST": (lambda data: image_sets.gray_digits(data, "mnist", "t10k"), False),
    "Omniglot Greek": (_omniglot("Greek"), False),
    "Omniglot Korean": (_omniglot("Korean"), False),
    "digits": (_digits, True),
    "CamVid patches": (_patches, True),
    "Omniglot Sanskrit": (_omniglot("Sanskrit"), True),
    "Omniglot Tagalog": (_omniglot("Tagalog"), True),
}


@dataclass(frozen=True)
class TargetSplit:
    """Training and test images of one split, and the images by whose labels networks are ranked."""

    train: Int64[Tensor, " train"]
    test: Int64[Tensor, " test"]

    def ranking(self, labels: Int64[Tensor, " image"], per_class: int) -> Int64[Tensor, " chosen"]:
        """The first images of every class among the training images."""
        classes = range(int(labels.max()) + 1)
        return torch.cat([self.train[labels[self.train] == c][:per_class] for c in classes])


def split_of(labels: Int64[Tensor, " image"], seed: int, *, share: float = 0.6) -> TargetSplit:
    """A share of every class to train, the rest to test, in an order drawn by the seed."""
    generator = torch.Generator().manual_seed(SEED + seed)
    order = torch.randperm(len(labels), generator=generator)
    train, test = [], []
    for label in range(int(labels.max()) + 1):
        of_class = order[labels[order] == label]
        cut = round(share * len(of_class))
        train.append(of_class[:cut])
        test.append(of_class[cut:])
    return TargetSplit(torch.cat(train), torch.cat(test))
