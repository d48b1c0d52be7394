"""Objects: classes of CIFAR-10, Fashion-MNIST and MNIST mixed, four of each source set aside."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import nn

from benchmarks.real_networks import image_sets
from benchmarks.real_networks.image_sets import LabeledImages
from benchmarks.students.nets import NetSpec
from benchmarks.students.pictures import LabeledPictures
from benchmarks.students.teaching import Recipe, teacher
from service.core.manifest import InputSpec
from workers.torchkit.training.steps import color_statistics
from workers.torchkit.training.task import ImageInputs

EPOCHS = 12
_SIDE, _EACH, _NOVEL_OF_SOURCE, _BATCH = 32, 300, 4, 64
_SOURCES = ("cifar10", "fashion_mnist", "mnist")


@dataclass(frozen=True)
class _ColorNet(NetSpec):
    """The same network for three channels."""

    def made(self, outputs: int, *, side: int, seed: int) -> nn.Module:
        """The network with fresh weights of the seed; (image, 3, side, side) goes in."""
        network = super().made(outputs, side=side, seed=seed)
        first = network.get_submodule("0.0")
        assert isinstance(first, nn.Sequential)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            first[0] = nn.Conv2d(3, self.widths[0], 3, padding=1, bias=False)
        return network


_BACKBONE = _ColorNet("blocks", (32, 32, 32, 64))


def inputs(data: Path, split: int) -> ImageInputs:
    """A backbone that learned the base classes of a split, with both sets."""
    pictures = _pictures(data)
    novel_names = _novel_of(pictures.labels, split)
    base = pictures.only([name for name in pictures.labels if name not in novel_names])
    mean, std = color_statistics(base.frames)
    backbone = teacher(
        _BACKBONE,
        base,
        name="objects",
        seed=split,
        recipe=Recipe(steps=EPOCHS * len(base) // _BATCH, batch=_BATCH, rate=2e-3),
        spec=InputSpec(channels=3, height=_SIDE, width=_SIDE, mean=mean, std=std),
    )
    return ImageInputs(
        name="learner",
        teachers=(backbone,),
        evaluation_set=pictures.only(novel_names).evaluation_set,
        images=base.frames,
        labels=base.truth,
        label_names=base.labels,
    )


def _novel_of(names: Sequence[str], split: int) -> list[str]:
    """Four classes of every source, drawn by the split's number."""
    generator, chosen = np.random.default_rng(split), []
    for source in _SOURCES:
        own = [name for name in names if name.startswith(f"{source}/")]
        chosen += sorted(generator.choice(own, _NOVEL_OF_SOURCE, replace=False).tolist())
    return chosen


@cache
def _pictures(data: Path) -> LabeledPictures:
    """The first images of each of the thirty classes."""
    sets = {
        "cifar10": image_sets.cifar10(data, "train_1of5"),
        "fashion_mnist": image_sets.gray_digits(data, "fashion_mnist", "train"),
        "mnist": image_sets.gray_digits(data, "mnist", "train"),
    }
    frames, truth, names = [], [], []
    for source in _SOURCES:
        for label, name in enumerate(sets[source].classes):
            own = _first_of(sets[source], label)
            frames.append(own)
            truth += [len(names)] * len(own)
            names.append(f"{source}/{name}")
    return LabeledPictures(
        torch.from_numpy(np.concatenate(frames)), torch.tensor(truth), tuple(names)
    )


def _first_of(images: LabeledImages, label: int) -> np.ndarray:
    """Images (image, 32, 32, 3) of a class: gray ones padded with black, in three channels."""
    own = [image for image, of in zip(images.images, images.labels, strict=True) if of == label]
    stack = np.stack(own[:_EACH])
    if stack.ndim == 4:
        return stack
    margin = (_SIDE - stack.shape[1]) // 2
    padded = np.pad(stack, ((0, 0), (margin, margin), (margin, margin)))
    return np.repeat(padded[..., None], 3, axis=3)
