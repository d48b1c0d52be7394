"""One Gram matrix and one eigendecomposition, shared by all linear estimators.

Axes: ``image`` one labeled image, ``unit`` one number of the feature, ``axis`` one principal
axis of the centered features, ``label`` one class of the target.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float, Float32, Float64, Int64
from torch import Tensor

_UNITS_PER_BLOCK = 4096
_TILES = 16
_ROUNDING = 2.3e-16


@dataclass(frozen=True)
class FeatureSpectrum:
    """Centered features in their principal axes: a rotation without loss.

    Attributes:
        features: The uncentered features, float32.
        coordinates: The centered features along the axes; columns are orthogonal.
        powers: Sum of squares of every column, descending, all above rounding error.
        mean: Mean of the features along the axes.
        mean_outside: Length of the part of the mean outside all axes, not negative.
        label_sums: Sum of the centered features of every class, along the axes.
        counts: Images of every class; all at least 1.
    """

    features: Float32[Tensor, "image unit"]
    labels: Int64[Tensor, " image"]
    coordinates: Float32[Tensor, "image axis"]
    powers: Float64[Tensor, " axis"]
    mean: Float64[Tensor, " axis"]
    mean_outside: float
    label_sums: Float64[Tensor, "label axis"]
    counts: Float64[Tensor, " label"]

    @cached_property
    def images(self) -> int:
        """Number of images."""
        return self.features.shape[0]

    @cached_property
    def units(self) -> int:
        """Numbers per feature."""
        return self.features.shape[1]


def spectrum_of(
    features: Float[Tensor, "image unit"], labels: Int64[Tensor, " image"]
) -> FeatureSpectrum:
    """The spectrum, from the smaller of the two Gram matrices.

    Args:
        features: Finite.
        labels: 0 … classes − 1, every class at least once.
    """
    features = features.float()
    images, units = features.shape
    mean = features.mean(dim=0, dtype=torch.float64)
    find = _from_units if units <= images else _from_images
    return find(features, labels, mean)


def _from_units(
    features: Float32[Tensor, "image unit"],
    labels: Int64[Tensor, " image"],
    mean: Float64[Tensor, " unit"],
) -> FeatureSpectrum:
    """The spectrum by XᵀX, for few units and many images."""
    centered = features.double().sub_(mean)
    powers, axes = _leading(symmetric_product(centered), max(features.shape))
    counts, sums_by_label = class_sums(centered, labels)
    mean_along_axes = mean @ axes
    return FeatureSpectrum(
        features=features,
        labels=labels,
        coordinates=centered.float() @ axes.float(),
        powers=powers,
        mean=mean_along_axes,
        mean_outside=_length_outside(mean, mean_along_axes, rank=len(powers)),
        label_sums=sums_by_label @ axes,
        counts=counts,
    )


def _from_images(
    features: Float32[Tensor, "image unit"],
    labels: Int64[Tensor, " image"],
    mean: Float64[Tensor, " unit"],
) -> FeatureSpectrum:
    """The spectrum by XXᵀ, for few images and many units; float64 one block at a time."""
    images, units = features.shape
    gram = features.new_zeros(images, images, dtype=torch.float64)
    toward_mean = features.new_zeros(images, dtype=torch.float64)
    for start in range(0, units, _UNITS_PER_BLOCK):
        units_of_block = slice(start, start + _UNITS_PER_BLOCK)
        block = features[:, units_of_block].double() - mean[units_of_block]
        gram += symmetric_product(block.T)
        toward_mean += block @ mean[units_of_block]
    # XXᵀ = U Λ Uᵀ, so the coordinates are U Λ^½ (image, axis), and the unit axes Xᵀ U Λ^−½ are
    # never formed: projections divide by Λ^½ instead.
    powers, directions = _leading(gram, max(features.shape))
    coordinates = directions * powers.sqrt()
    counts, sums = class_sums(coordinates, labels)
    mean_along_axes = (toward_mean @ directions) / powers.sqrt()
    return FeatureSpectrum(
        features=features,
        labels=labels,
        coordinates=coordinates.float(),
        powers=powers,
        mean=mean_along_axes,
        mean_outside=_length_outside(mean, mean_along_axes, rank=len(powers)),
        label_sums=sums,
        counts=counts,
    )


def symmetric_product(
    columns: Float[Tensor, "row column"],
) -> Float[Tensor, "column column"]:
    """XᵀX; tiles below the diagonal are mirrored instead of computed."""
    count = columns.shape[1]
    product = columns.new_empty(count, count)
    step = -(-count // _TILES)
    for start in range(0, count, step):
        tile = columns[:, start : start + step].T @ columns[:, start:]
        product[start : start + step, start:] = tile
        product[start:, start : start + step] = tile.T
    return product


def class_sums(
    rows: Float64[Tensor, "image column"], labels: Int64[Tensor, " image"]
) -> tuple[Float64[Tensor, " label"], Float64[Tensor, "label column"]]:
    """Number of rows of every class, and their sum."""
    counts = labels.bincount()
    sums = rows.new_zeros(len(counts), rows.shape[1]).index_add_(0, labels, rows)
    return counts.double(), sums


def _leading(
    gram: Float64[Tensor, "row row"], longest: int
) -> tuple[Float64[Tensor, " axis"], Float64[Tensor, "row axis"]]:
    """Eigenvalues above rounding error, descending, and their eigenvectors."""
    values, vectors = _eigh(gram)
    above_rounding = values > values[-1].clamp_min(0) * longest * _ROUNDING
    return values[above_rounding].flip(0), vectors[:, above_rounding].flip(1)


def _eigh(
    gram: Float64[Tensor, "row row"],
) -> tuple[Float64[Tensor, " row"], Float64[Tensor, "row row"]]:
    """Eigenvalues, ascending, and eigenvectors."""
    if gram.device.type != "cpu":
        values, vectors = torch.linalg.eigh(gram)
        return values, vectors
    # On non-Intel CPUs, NumPy's LAPACK takes two thirds of the time of torch's.
    decomposition = np.linalg.eigh(gram.numpy())
    return torch.from_numpy(decomposition.eigenvalues), torch.from_numpy(
        decomposition.eigenvectors
    )


def _length_outside(
    mean: Float64[Tensor, " unit"], mean_along_axes: Float64[Tensor, " axis"], *, rank: int
) -> float:
    """Length of the part of the mean outside the axes; 0 if they span the space."""
    if rank == len(mean):
        return 0.0
    return float((mean.square().sum() - mean_along_axes.square().sum()).clamp_min(0).sqrt())
