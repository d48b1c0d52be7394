"""N-LEEP: LEEP with the components of a Gaussian mixture in place of source classes.

Axes: ``image`` one labeled image, ``axis`` one leading principal axis, ``component`` one Gaussian.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float32
from torch import Tensor

from workers.methods.transferability_estimators.source_classes import leep
from workers.methods.transferability_estimators.spectrum import FeatureSpectrum

_ENERGY = 0.8
_MOST_AXES = 64
_COMPONENTS_PER_CLASS = 5
_STEPS = 10
_SETTLED = 1e-3
_FLOOR = 1e-3


@dataclass(frozen=True)
class Mixture:
    """Gaussians with diagonal covariances."""

    log_weights: Float32[Tensor, " component"]
    means: Float32[Tensor, "component axis"]
    variances: Float32[Tensor, "component axis"]


def n_leep(spectrum: FeatureSpectrum, *, seed: int) -> float:
    """LEEP of the posterior over five Gaussians per class, fitted in the leading axes.

    The axes contain 80 % of the features' energy, at most 64. Departure: covariances are diagonal
    there and expectation-maximization stops after ten steps.

    Source: Li et al., Ranking Neural Checkpoints, CVPR 2021, section 3.3.
    """
    rows = leading_coordinates(spectrum)
    components = min(_COMPONENTS_PER_CLASS * len(spectrum.counts), max(1, spectrum.images // 2))
    mixture = fitted(rows, components=components, seed=seed)
    shares = posterior(rows, mixture)[0].double()
    return leep(shares / shares.sum(dim=1, keepdim=True), spectrum.labels)


def leading_coordinates(spectrum: FeatureSpectrum) -> Float32[Tensor, "image axis"]:
    """Coordinates in the fewest axes with 80 % of the energy, scaled to a mean variance of 1."""
    shares = (spectrum.powers / spectrum.powers.sum()).cumsum(0)
    axes = min(_MOST_AXES, int((shares < _ENERGY).sum()) + 1)
    rows = spectrum.coordinates[:, :axes]
    return rows / rows.square().mean().sqrt()


def fitted(rows: Float32[Tensor, "image axis"], *, components: int, seed: int) -> Mixture:
    """The mixture after EM from randomly drawn images, until a gain below 10⁻³ per image."""
    mixture = _first_guess(rows, components, seed)
    previous = -math.inf
    for _ in range(_STEPS):
        shares, likelihood = posterior(rows, mixture)
        if likelihood - previous < _SETTLED:
            break
        previous = likelihood
        mixture = maximized(rows, shares)
    return mixture


def _first_guess(rows: Float32[Tensor, "image axis"], components: int, seed: int) -> Mixture:
    """Equal Gaussians around images drawn without replacement, with a quarter of the variance."""
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randperm(len(rows), generator=generator)[:components].to(rows.device)
    return Mixture(
        log_weights=rows.new_full((components,), -math.log(components)),
        means=rows[drawn],
        variances=_floor(rows) + rows.var(dim=0, correction=0).expand(components, -1) / 4,
    )


def _floor(rows: Float32[Tensor, "image axis"]) -> float:
    """The smallest variance of a component: a thousandth of the mean square."""
    return _FLOOR * float(rows.square().mean())


def posterior(
    rows: Float32[Tensor, "image axis"], mixture: Mixture
) -> tuple[Float32[Tensor, "image component"], float]:
    """P(component | image) by Bayes' rule, and the mean log likelihood of an image."""
    precisions = 1 / mixture.variances
    constants = mixture.log_weights - 0.5 * (
        (mixture.means.square() * precisions).sum(dim=1)
        + mixture.variances.log().sum(dim=1)
        + rows.shape[1] * math.log(2 * math.pi)
    )
    # log N(x; μ, v) is linear in (x, x²), so one product (image, moment) @ (moment, component)
    # gives all log densities.
    slopes = torch.cat([mixture.means * precisions, -0.5 * precisions], dim=1)
    logs = torch.addmm(constants, with_squares(rows), slopes.T)
    # In place: logsumexp and a second exponential would take twice as long.
    greatest = logs.amax(dim=1, keepdim=True)
    shares = logs.sub_(greatest).exp_()
    total = shares.sum(dim=1, keepdim=True)
    likelihood = float((greatest + total.log()).mean(dtype=torch.float64))
    return shares.div_(total), likelihood


def with_squares(rows: Float32[Tensor, "image axis"]) -> Float32[Tensor, "image moment"]:
    """All coordinates followed by all squares: the moments of a diagonal Gaussian."""
    return torch.cat([rows, rows.square()], dim=1)


def maximized(
    rows: Float32[Tensor, "image axis"], shares: Float32[Tensor, "image component"]
) -> Mixture:
    """M-step: the Gaussians that maximize likelihood given the component shares of every image."""
    sizes = shares.sum(dim=0).clamp_min(1e-6)
    means, squares = (shares.T @ with_squares(rows) / sizes.unsqueeze(1)).chunk(2, dim=1)
    variances = (squares - means.square()).clamp_min(0) + _floor(rows)
    return Mixture((sizes / sizes.sum()).log(), means, variances)
