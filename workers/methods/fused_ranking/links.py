"""Links between latent ability and accuracy: accuracy = level + slope · curve(z).

Two links are averaged. The straight one takes accuracies as they are. The other takes normal
scores, and the curve that leads back is the mean of the history's own quantile functions: it
bends where accuracies crowd at the top, and has a step where many runs failed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from workers.methods.fused_ranking import maths
from workers.methods.fused_ranking.posterior import AccuracyPrior
from workers.methods.fused_ranking.signals import AccuracyColumn

NODES = np.linspace(-2.5, 2.5, 21)
QUADRATURE = 15
TINY = 1e-12


@dataclass(frozen=True)
class LinkedHistory:
    """The history on the latent scale of one link.

    Attributes:
        z: Latent abilities, cell by cell.
        curves: For every dataset, its softly limited (accuracy − level) / slope at ``NODES``.
    """

    z: Float64[ndarray, "model dataset"]
    curves: Float64[ndarray, "dataset node"]

    def curve(self, *, without: int | None = None) -> Float64[ndarray, " node"]:
        """The mean curve of the datasets, of all or without one; straight if there is none."""
        curves = self.curves if without is None else np.delete(self.curves, without, axis=0)
        return np.asarray(curves.mean(axis=0)) if len(curves) else NODES


def linked_histories(
    accuracies: Float64[ndarray, "model dataset"], columns: Sequence[AccuracyColumn]
) -> tuple[LinkedHistory, LinkedHistory]:
    """The history by the straight link and by quantiles."""
    straight = _stacked([column.z for column in columns], accuracies)
    scores = _stacked([maths.normal_scores(values) for values in accuracies.T], accuracies)
    bent = [
        quantile_curve(scores[:, index], column.z) if column.slope > 0 else NODES
        for index, column in enumerate(columns)
    ]
    return (
        LinkedHistory(straight, np.tile(NODES, (len(columns), 1))),
        LinkedHistory(scores, np.array(bent).reshape(-1, len(NODES))),
    )


def quantile_curve(
    scores: Float64[ndarray, " model"], values: Float64[ndarray, " model"]
) -> Float64[ndarray, " node"]:
    """Values at ``NODES``: between the scores interpolated, beyond them with the mean slope."""
    is_known = ~np.isnan(values)
    order = np.argsort(scores[is_known], kind="stable")
    x, y = scores[is_known][order], np.sort(values[is_known])
    centered = x - x.mean()
    slope = float(centered @ y / max(centered @ centered, TINY))
    return np.asarray(np.interp(NODES, x, y) + slope * (NODES - np.clip(NODES, x[0], x[-1])))


def on_curve(
    curve: Float64[ndarray, " node"], z: Float64[ndarray, "*any"]
) -> Float64[ndarray, "*any"]:
    """The curve at z: between ``NODES`` interpolated, beyond them in a straight line."""
    step = NODES[1] - NODES[0]
    low, high = (curve[1] - curve[0]) / step, (curve[-1] - curve[-2]) / step
    inner = np.interp(z, NODES, curve)
    return np.asarray(
        inner + low * np.minimum(z - NODES[0], 0) + high * np.maximum(z - NODES[-1], 0)
    )


def through_curve(prior: AccuracyPrior, curve: Float64[ndarray, " node"]) -> AccuracyPrior:
    """The Gaussian with the moments of curve(z), for z with this prior.

    Mean E[c(z)] and covariance with other models E[c′(z)] Cov (Stein's lemma), by Gauss–Hermite
    quadrature; what the linear part leaves of Var[c(z)] is free variance.
    """
    nodes, shares = np.polynomial.hermite_e.hermegauss(QUADRATURE)
    shares = shares / shares.sum()
    deviation = np.sqrt((prior.factors**2).sum(axis=1) + prior.free)
    values = on_curve(curve, prior.mean[:, None] + deviation[:, None] * nodes)
    mean = values @ shares
    slope = values @ (shares * nodes) / deviation
    rest = (values**2) @ shares - mean**2 - (slope * deviation) ** 2
    free = slope**2 * prior.free + np.maximum(rest, 0.0)
    return AccuracyPrior(mean, slope[:, None] * prior.factors, free)


def _stacked(
    columns: Sequence[Float64[ndarray, " model"]], accuracies: Float64[ndarray, "model dataset"]
) -> Float64[ndarray, "model dataset"]:
    return np.stack(columns, axis=1) if columns else np.zeros(accuracies.shape)
