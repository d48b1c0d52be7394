"""The images that a learner is trained on: labeled, of base classes only, enough of each."""

from dataclasses import dataclass

import torch
from jaxtyping import Int64, UInt8
from torch import Tensor

from service.core.catalog.class_regularization import (
    FEWEST_BASE_CLASSES,
    ClassRegularizationParams,
)
from service.core.counts import counted
from workers.torchkit.training.task import ImageInputs
from workers.torchkit.training.transfers import NotTransferableError


@dataclass(frozen=True)
class BaseClasses:
    """Images of base classes.

    Attributes:
        labels: From 0 without gaps; indices into ``names``.
        left_out: Names of classes with too few images for an episode.
    """

    frames: UInt8[Tensor, "image side side 3"]
    labels: Int64[Tensor, " image"]
    names: tuple[str, ...]
    left_out: tuple[str, ...]


def base_classes(inputs: ImageInputs, params: ClassRegularizationParams) -> BaseClasses:
    """The base classes of the inputs.

    Raises:
        NotTransferableError: Fewer than five classes have enough images.
    """
    labels = torch.full((len(inputs.images),), -1) if inputs.labels is None else inputs.labels
    names, novel = inputs.label_names, set(params.novel_classes or ())
    counts = labels[labels >= 0].bincount(minlength=len(names)).tolist()
    needed = params.shots + params.queries
    present = [index for index, name in enumerate(names) if counts[index] and name not in novel]
    chosen = [index for index in present if counts[index] >= needed]
    if len(chosen) < FEWEST_BASE_CLASSES:
        raise NotTransferableError(
            f"{len(chosen)} of {counted(len(present), 'base class')} have at least {needed} images;"
            f" a class domain needs {FEWEST_BASE_CLASSES}",
            remedy="use more classes, fewer novel classes, or smaller shots and queries",
        )
    new_label = torch.full((len(names) + 1,), -1)
    new_label[chosen] = torch.arange(len(chosen))
    relabeled = new_label[labels]
    is_base = relabeled >= 0
    return BaseClasses(
        frames=inputs.images[is_base],
        labels=relabeled[is_base],
        names=tuple(names[index] for index in chosen),
        left_out=tuple(names[index] for index in present if counts[index] < needed),
    )
