"""Labelled features to try estimators on: classes around their own centres."""

import torch
from torch import Tensor


def labelled_features(
    *, images: int, units: int, classes: int, offset: float = 1.0, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """Features (image, unit) of decaying power around class centres, away from the origin."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(classes, (images,), generator=generator)
    labels[:classes] = torch.arange(classes)
    decay = torch.arange(1, units + 1) ** -0.5
    centres = torch.randn(classes, units, generator=generator)
    noise = torch.randn(images, units, generator=generator)
    return (0.7 * centres[labels] + noise) * decay + offset, labels
