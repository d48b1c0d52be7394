"""Estimators that compare the scatter between classes with the total scatter.

Axes as in ``spectrum``.
"""

import torch
from jaxtyping import Float64
from torch import Tensor

from workers.methods.transferability_estimators.refusal import NoScoreError
from workers.methods.transferability_estimators.spectrum import FeatureSpectrum, symmetric_product

_DISTORTION = 1e-4
_GAUSSIAN_AXES = 64
_ROUNDING = 1e-12


def h_score(spectrum: FeatureSpectrum) -> float:
    """tr(Σ_α⁻¹ (1 − α) Σ_between), between 0 and the number of classes − 1.

    Σ_α = (1 − α) Σ + α (tr Σ / D) I is the Ledoit-Wolf covariance. Both covariances divide by
    the number of images, which makes the bound exact.

    Source: Bao et al., ICIP 2019, definition 2; shrunk as in Ibrahim et al., ECML 2022.
    """
    own_share = 1 - shrinkage(spectrum)
    variances = spectrum.powers / spectrum.images
    target = float(variances.sum()) / spectrum.units
    between = _between_classes(spectrum)
    # Σ_α is diagonal in principal axes, so the trace needs one division per axis.
    return float((own_share * between / (own_share * variances + (1 - own_share) * target)).sum())


def _between_classes(spectrum: FeatureSpectrum) -> Float64[Tensor, " axis"]:
    """Variance of the class means along every axis, weighted by the images of each class."""
    weights = spectrum.counts * spectrum.images
    return (spectrum.label_sums.square() / weights.unsqueeze(1)).sum(dim=0)


def shrinkage(spectrum: FeatureSpectrum) -> float:
    """The share α of the identity in the shrunk covariance, from 0 to 1.

    α = min(1, (mean ‖x‖⁴ − ‖Σ‖²) / (n (‖Σ‖² − (tr Σ)² / D))).

    Source: Ledoit and Wolf, A well-conditioned estimator for large-dimensional covariance
    matrices, 2004.
    """
    images = spectrum.images
    variances = spectrum.powers / images
    squared = float(variances.square().sum())
    lengths = spectrum.coordinates.square().sum(dim=1, dtype=torch.float64)
    noise = (float(lengths.square().mean()) - squared) / images
    signal = squared - float(variances.sum()) ** 2 / spectrum.units
    # Isotropic covariance equals its target, so there is nothing to shrink.
    if min(noise, signal) <= _ROUNDING * squared:
        return 0.0
    return min(1.0, noise / signal)


def trans_rate(spectrum: FeatureSpectrum) -> float:
    """Coding rate of all features minus the mean coding rate of a class, in nats, ε = 10⁻⁴.

    Source: Huang et al., Frustratingly Easy Transferability Estimation, ICML 2022, listing 1.
    """
    overall = coding_rate(spectrum.powers, images=spectrum.images)
    by_class = [
        _coding_rate_of(spectrum.coordinates[spectrum.labels == label].double())
        for label in range(len(spectrum.counts))
    ]
    return overall - sum(by_class) / len(by_class)


def coding_rate(powers: Float64[Tensor, " axis"], *, images: int) -> float:
    """½ log det(I + ZᵀZ / (n ε)) from the eigenvalues of ZᵀZ."""
    return 0.5 * float((powers / (images * _DISTORTION)).log1p().sum())


def _coding_rate_of(rows: Float64[Tensor, "image axis"]) -> float:
    """``coding_rate`` of rows by Cholesky decomposition, on the smaller side."""
    images, axes = rows.shape
    gram = symmetric_product(rows if axes < images else rows.T) / (images * _DISTORTION)
    gram.diagonal().add_(1)
    return float(torch.linalg.cholesky(gram).diagonal().log().sum())


def linear_cka(spectrum: FeatureSpectrum) -> float:
    """‖YᵀX‖² / (‖XᵀX‖ ‖YᵀY‖) of centered features and centered one-hot labels, from 0 to 1.

    Source: Kornblith et al., Similarity of Neural Network Representations Revisited, ICML 2019.
    """
    counts = spectrum.counts
    labels = counts.diag() - torch.outer(counts, counts) / spectrum.images
    sizes = spectrum.powers.square().sum().sqrt() * labels.square().sum().sqrt()
    return float(spectrum.label_sums.square().sum() / sizes)


def gbc(spectrum: FeatureSpectrum) -> float:
    """−Σ exp(−D_B) over ordered pairs of classes, each a spherical Gaussian in 64 axes.

    D_B = ‖μ − μ'‖² / (8 v) + d/2 · log(v / √(v₁ v₂)) with v = (v₁ + v₂) / 2.

    Raises:
        NoScoreError: A class has no spread.

    Source: Pándy et al., Transferability Estimation using Bhattacharyya Class Separability,
    CVPR 2022, equations 4 to 6.
    """
    means, variances, axes = _gaussians(spectrum)
    mean_variances = (variances.unsqueeze(0) + variances.unsqueeze(1)) / 2
    logs = variances.log()
    squared = torch.cdist(means, means, compute_mode="donot_use_mm_for_euclid_dist").square()
    distances = squared / (8 * mean_variances)
    distances += axes / 2 * (mean_variances.log() - (logs.unsqueeze(0) + logs.unsqueeze(1)) / 2)
    overlap = (-distances).exp()
    return -float(overlap.sum() - overlap.diagonal().sum())


def _gaussians(
    spectrum: FeatureSpectrum,
) -> tuple[Float64[Tensor, "label axis"], Float64[Tensor, " label"], int]:
    """Mean and variance per axis of every class in the leading axes, and the number of axes."""
    axes = min(_GAUSSIAN_AXES, len(spectrum.powers))
    means = spectrum.label_sums[:, :axes] / spectrum.counts.unsqueeze(1)
    deviations = spectrum.coordinates[:, :axes].double() - means[spectrum.labels]
    squares = torch.zeros_like(spectrum.counts)
    squares.index_add_(0, spectrum.labels, deviations.square().sum(dim=1))
    variances = squares / (spectrum.counts * axes)
    floor = 1e-12 * float(spectrum.powers.sum()) / spectrum.images
    flat = int((variances <= floor).sum())
    if flat:
        raise NoScoreError(
            f"{flat} of {len(variances)} classes have no spread, or only one image",
            code="class_without_spread",
        )
    return means, variances, axes
