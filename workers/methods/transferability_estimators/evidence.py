"""LogME: the evidence of a Bayesian linear model for every class against the rest.

Source: You et al., LogME: Practical Assessment of Pre-trained Models for Transfer Learning, ICML
2021; the fixed point of its journal version, Ranking and Tuning Pre-trained Models, JMLR 2022.

α is the precision of the weights, β that of the noise, t = α/β. LogME's features are not
centered: XᵀX is the centered matrix plus the rank-one term n·μμᵀ, which the Sherman-Morrison
formula adds without another decomposition.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float64
from torch import Tensor

from workers.methods.transferability_estimators.spectrum import FeatureSpectrum

_STEPS = 11
_SETTLED = 1e-3
_FLOOR = 1e-5


@dataclass(frozen=True)
class _Fit:
    """Posterior of every class at its t: γ, ‖m‖² and ‖y − Xm‖²."""

    effective: Float64[Tensor, " label"]
    squared_weights: Float64[Tensor, " label"]
    squared_residuals: Float64[Tensor, " label"]


def logme(spectrum: FeatureSpectrum) -> float:
    """Mean over classes of the maximal log evidence, per image.

    α ← γ / ‖m‖², β ← (n − γ) / ‖y − Xm‖², until t changes by less than a thousandth, for at most
    eleven iterations.

    Source: JMLR 2022, algorithm 3.
    """
    problem = _Problem(spectrum)
    ratio = torch.ones_like(spectrum.counts)
    evidence = torch.zeros_like(ratio)
    moving = torch.ones_like(ratio, dtype=torch.bool)
    for _ in range(_STEPS):
        fit = problem.fitted(ratio)
        alpha = fit.effective / (fit.squared_weights + _FLOOR)
        beta = (spectrum.images - fit.effective) / (fit.squared_residuals + _FLOOR)
        evidence = torch.where(moving, problem.evidence(alpha, beta, fit), evidence)
        moved = (alpha / beta - ratio).abs() / ratio
        ratio = torch.where(moving, alpha / beta, ratio)
        moving = moving & (moved > _SETTLED)
        if not moving.any():
            break
    return float(evidence.mean() / spectrum.images)


class _Problem:
    """Ridge regression of every class indicator on uncentered features, in principal axes.

    One extra axis, with zero power, carries the part of the mean outside the other axes.
    """

    def __init__(self, spectrum: FeatureSpectrum) -> None:
        counts, sums = spectrum.counts, spectrum.label_sums
        zero = counts.new_zeros(1)
        self._images = spectrum.images
        self._rank = len(spectrum.powers)
        self._powers = torch.cat([spectrum.powers, zero])
        self._mean = torch.cat([spectrum.mean, zero + spectrum.mean_outside])
        self._sums = torch.cat([sums, zero.expand(len(counts), 1)], dim=1)
        self._shares = counts / spectrum.images
        coefficients = sums / spectrum.powers.sqrt()
        total = counts - counts.square() / spectrum.images
        self._coefficients = torch.cat([coefficients, zero.expand(len(counts), 1)], dim=1)
        self._unexplained = (total - coefficients.square().sum(dim=1)).clamp_min(0)

    def fitted(self, ratio: Float64[Tensor, " label"]) -> _Fit:
        """The posterior at t: effective dimension, squared weights and squared residuals."""
        images, mean = self._images, self._mean
        gains = 1 / (ratio.unsqueeze(1) + self._powers)
        moments = self._sums + images * self._shares.unsqueeze(1) * mean
        # Sherman-Morrison for (P + t I + n μμᵀ)⁻¹ with diagonal P + t I: all (label, axis).
        leverage = images * (gains @ mean.square())
        direct = gains * moments
        weights = direct - images * (gains * mean) * ((direct @ mean) / (1 + leverage)).unsqueeze(
            1
        )
        # ‖y − Xm‖² in three orthogonal parts: along the axes, outside them, and the mean.
        centered = (self._coefficients - self._powers.sqrt() * weights).square().sum(dim=1)
        offset = images * (self._shares - weights @ mean).square()
        from_mean = images * (gains.square() @ mean.square()) / (1 + leverage)
        effective = (gains * self._powers).sum(dim=1) + ratio * from_mean
        return _Fit(effective, weights.square().sum(dim=1), centered + self._unexplained + offset)

    def evidence(
        self, alpha: Float64[Tensor, " label"], beta: Float64[Tensor, " label"], fit: _Fit
    ) -> Float64[Tensor, " label"]:
        """The log evidence log p(y | α, β) with the weights' posterior of ``fit``.

        D/2·log α + n/2·log β − β/2·‖y − Xm‖² − α/2·‖m‖² − ½·log|A| − n/2·log 2π. Axes without
        power contribute equal log α to the first term and to log|A|, so both omit them.

        Source: ICML 2021, equation 2.
        """
        scales = alpha.unsqueeze(1) + beta.unsqueeze(1) * self._powers
        from_mean = beta * self._images * (self._mean.square() / scales).sum(dim=1)
        determinant = scales[:, :-1].log().sum(dim=1) + from_mean.log1p()
        images = self._images
        return 0.5 * (
            self._rank * alpha.log()
            + images * beta.log()
            - beta * fit.squared_residuals
            - alpha * fit.squared_weights
            - determinant
            - images * math.log(2 * math.pi)
        )
