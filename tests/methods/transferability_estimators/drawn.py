"""Labeled features to try estimators on: classes around their own centers."""

import numpy as np
import torch
from torch import Tensor

SHAPES = [(60, 12, 4), (40, 90, 4), (30, 29, 3), (30, 30, 3), (200, 7, 2)]


def labeled_features(
    *, images: int, units: int, classes: int, offset: float = 1.0, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """Features (image, unit) of decaying power around class centers, away from the origin."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(classes, (images,), generator=generator)
    labels[:classes] = torch.arange(classes)
    decay = torch.arange(1, units + 1) ** -0.5
    centers = torch.randn(classes, units, generator=generator)
    noise = torch.randn(images, units, generator=generator)
    return (0.7 * centers[labels] + noise) * decay + offset, labels


def drawn(shape: tuple[int, int, int]) -> tuple[Tensor, Tensor]:
    """Labeled features of a shape (images, units, classes)."""
    images, units, classes = shape
    return labeled_features(images=images, units=units, classes=classes)


def plain(features: Tensor, labels: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """The same in numpy, float64."""
    return features.double().numpy(), labels.numpy()
