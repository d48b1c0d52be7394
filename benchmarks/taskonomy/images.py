"""Real images cut into parts that share none, and what class each belongs to.

``training`` trains the encoders, ``few`` the decoders of a transfer, ``held_out`` judge them,
``probes`` are what measures look at.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.real_networks import image_sets

SIDE = 32
TRAINING_IMAGES = 8000
FEW = 2000
HELD_OUT = 2400
PROBES = 512


@dataclass(frozen=True)
class AlbumPictures:
    """Frames (n, 3, 32, 32) in [0, 1] and the class of each."""

    frames: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def at(self, positions: Tensor) -> "AlbumPictures":
        """The pictures at these positions."""
        return AlbumPictures(self.frames[positions], self.labels[positions])

    def first(self, count: int) -> "AlbumPictures":
        """The first of them."""
        return AlbumPictures(self.frames[:count], self.labels[:count])

    def of(self, classes: tuple[int, ...]) -> "AlbumPictures":
        """Those of some classes, relabeled 0, 1, … in the order given."""
        renumbered = torch.full((int(self.labels.max()) + 1,), -1, device=self.labels.device)
        renumbered[list(classes)] = torch.arange(len(classes), device=self.labels.device)
        labels = renumbered[self.labels]
        return AlbumPictures(self.frames[labels >= 0], labels[labels >= 0])

    def to(self, device: torch.device) -> "AlbumPictures":
        """The same on a device."""
        return AlbumPictures(self.frames.to(device), self.labels.to(device))


@dataclass(frozen=True)
class Album:
    """All parts of one collection, and how its classes are grouped.

    Attributes:
        class_sets: Three disjoint sets of classes, each the labels of one task.
        coarse: Classes on one side of the coarse question; the rest are on the other.
        colored: Whether there is color to be guessed.
    """

    name: str
    training: AlbumPictures
    few: AlbumPictures
    held_out: AlbumPictures
    probes: AlbumPictures
    class_names: tuple[str, ...]
    class_sets: tuple[tuple[int, ...], ...]
    coarse: tuple[int, ...]
    colored: bool

    def to(self, device: torch.device) -> "Album":
        """The same with the parts that train and judge on a device; probes stay."""
        return replace(
            self,
            training=self.training.to(device),
            few=self.few.to(device),
            held_out=self.held_out.to(device),
        )


def cifar(data: Path) -> Album:
    """CIFAR-10: vehicles; bird, deer, frog; cat, dog, horse. Coarse: vehicle or animal."""
    train, test = (image_sets.cifar10(data, part) for part in ("train_1of5", "test_first3000"))
    sets = ((0, 1, 8, 9), (2, 4, 6), (3, 5, 7))
    return _cut("CIFAR-10", train, test, sets=sets, coarse=(0, 1, 8, 9))


def fashion(data: Path) -> Album:
    """Fashion-MNIST: tops; shoes; trouser, dress, bag. Coarse: shoe or not."""
    train, test = (image_sets.gray_digits(data, "fashion_mnist", p) for p in ("train", "t10k"))
    sets = ((0, 2, 4, 6), (5, 7, 9), (1, 3, 8))
    return _cut("Fashion-MNIST", train, test, sets=sets, coarse=(5, 7, 9))


ALBUMS: dict[str, Callable[[Path], Album]] = {"cifar": cifar, "fashion": fashion}


def _cut(
    name: str,
    train: image_sets.LabeledImages,
    test: image_sets.LabeledImages,
    *,
    sets: tuple[tuple[int, ...], ...],
    coarse: tuple[int, ...],
) -> Album:
    return Album(
        name,
        training=_pictures(train, 0, TRAINING_IMAGES),
        few=_pictures(train, TRAINING_IMAGES, FEW),
        held_out=_pictures(test, 0, HELD_OUT),
        probes=_pictures(test, HELD_OUT, PROBES),
        class_names=train.classes,
        class_sets=sets,
        coarse=coarse,
        colored=train.images[0].ndim == 3,
    )


def _pictures(images: image_sets.LabeledImages, start: int, count: int) -> AlbumPictures:
    """Some of the images as RGB frames; smaller ones get an even black margin."""
    chosen = torch.from_numpy(np.stack(images.images[start : start + count])).float() / 255
    frames = chosen.permute(0, 3, 1, 2) if chosen.ndim == 4 else chosen.unsqueeze(1)
    margin = (SIDE - frames.shape[-1]) // 2
    frames = functional.pad(frames, (margin,) * 4).expand(-1, 3, -1, -1).contiguous()
    return AlbumPictures(frames, torch.tensor(images.labels[start : start + count]))
