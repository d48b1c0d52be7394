"""Failed runs: some networks learn nothing on a dataset and end in a lump at the bottom of its column.

A failed run says nothing about how good a network is once it learns, so accuracies are modeled in
two parts, success × value. Where the history has no lumps, nothing here applies::

    ln odds(network i learns dataset d) = a_i + b_d,   a_i ~ N(α, σ_a²),   b_d ~ N(0, σ_b²)
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64
from numpy import ndarray
from scipy.special import expit, log_expit

from workers.methods.fused_ranking import maths
from workers.methods.fused_ranking.signals import AccuracyColumn

FEWEST_FAILED = 3
LEAST_SHARE = 0.1
WIDEST, NEAREST = 0.1, 2.0
STEPS = 30
TYPICAL_NETWORK, TYPICAL_DATASET = 4.0, 1.0
VIRTUAL = 2
LEAST_WIDTH = 0.05
WIDER = 1.5
GRID = np.linspace(-2.5, 2.5, 15)


@dataclass(frozen=True)
class Failures:
    """What the history says about failures on a new dataset.

    Attributes:
        odds: Log odds that each network learns a typical dataset.
        variance: Their uncertainty.
        dataset_deviation: σ_b.
        depth: How far the lump lies below the level of the networks that learn.
        depth_deviation: Uncertainty of the depth.
        width: Deviation of accuracies within a lump.
    """

    odds: Float64[ndarray, " model"]
    variance: Float64[ndarray, " model"]
    dataset_deviation: float
    depth: float
    depth_deviation: float
    width: float


@dataclass(frozen=True)
class Chances:
    """P(success) of every model for every shift of the dataset, and the weight of each shift."""

    by_shift: Float64[ndarray, "shift model"]
    weights: Float64[ndarray, " shift"]

    @property
    def mean(self) -> Float64[ndarray, " model"]:
        """P(success) of every model."""
        return np.asarray(self.weights @ self.by_shift)

    def drawn(self, count: int, rng: np.random.Generator) -> Bool[ndarray, "draw model"]:
        """Which models fail, draw by draw."""
        shifts = rng.choice(len(self.weights), size=count, p=self.weights)
        return np.asarray(rng.random((count, self.by_shift.shape[1])) > self.by_shift[shifts])


def failed_cells(
    accuracies: Float64[ndarray, "model dataset"],
) -> Bool[ndarray, "model dataset"]:
    """Cells in the lump of their column; none at all unless a tenth of the known cells are."""
    failed = np.zeros(accuracies.shape, dtype=np.bool_)
    for index, column in enumerate(accuracies.T):
        order = np.argsort(column, kind="stable")[: int((~np.isnan(column)).sum())]
        failed[order[: lump_size(column[order])], index] = True
    is_common = failed.sum() >= LEAST_SHARE * max((~np.isnan(accuracies)).sum(), 1)
    has_several = (failed.any(axis=0)).sum() >= min(2, accuracies.shape[1])
    return failed if is_common and has_several else np.zeros_like(failed)


def lump_size(ascending: Float64[ndarray, " value"]) -> int:
    """How many of the lowest values form a lump: narrow, and far from the next value.

    At least three values whose range is a tenth or less of the distance of their middle from the
    middle of all others, and half or less of the gap above them.
    """
    best = 0
    for size in range(FEWEST_FAILED, len(ascending)):
        width = ascending[size - 1] - ascending[0]
        distance = np.median(ascending[size:]) - np.median(ascending[:size])
        gap = ascending[size] - ascending[size - 1]
        if distance > 0 and width <= WIDEST * distance and gap > NEAREST * width:
            best = size
    return best


def learned_failures(
    accuracies: Float64[ndarray, "model dataset"],
    failed: Bool[ndarray, "model dataset"],
    columns: Sequence[AccuracyColumn],
) -> Failures:
    """What known cells, of which some failed, say about a dataset that is not among them."""
    odds, variance, deviation = _odds(~np.isnan(accuracies), failed)
    lumps = [
        (accuracies[has_failed, index], columns[index].level)
        for index, has_failed in enumerate(failed.T)
        if has_failed.any() and not np.isnan(columns[index].level)
    ]
    depths = np.array([level - values.mean() for values, level in lumps if level > values.mean()])
    depth = float(np.median(depths)) if len(depths) else 0.0
    slopes = [column.slope for column in columns if column.slope > 0]
    least = LEAST_WIDTH * float(np.median(slopes)) if slopes else 0.0
    widths = [float(values.std()) for values, _ in lumps]
    return Failures(
        odds,
        variance,
        deviation,
        depth,
        max(float(depths.std()) if len(depths) else 0.0, depth / (2 * VIRTUAL)),
        max(float(np.median(widths)) if widths else 0.0, least, 1e-6),
    )


def chances(
    failures: Failures,
    is_measured: Bool[ndarray, " model"],
    has_failed: Bool[ndarray, " model"],
) -> Chances:
    """P(success) on the target, given which of its runs failed."""
    shifts = failures.dataset_deviation * GRID
    scale = np.sqrt(1 + np.pi * failures.variance / 8)
    logits = (failures.odds + shifts[:, None]) / scale
    signs = np.where(has_failed, -1.0, 1.0)
    logs = -0.5 * GRID**2 + log_expit(signs * logits)[:, is_measured].sum(axis=1)
    weights = np.exp(logs - logs.max())
    return Chances(expit(logits), weights / weights.sum())


def failed_runs(
    failures: Failures,
    measured: Float64[ndarray, " model"],
    *,
    level: float,
    level_deviation: float,
    slope: float,
) -> Bool[ndarray, " model"]:
    """Measured models whose runs failed: the likeliest division into the lowest runs and the others.

    The level of the networks that learn is N(level, level_deviation²), the lump lies below it by
    the depth, and the two have their own widths; each model contributes its chance of success.
    """
    rows = np.flatnonzero(~np.isnan(measured))
    has_failed = np.zeros(len(measured), dtype=np.bool_)
    if not len(rows) or failures.depth <= 0:
        return has_failed
    rows = rows[np.argsort(measured[rows], kind="stable")]
    prior = chances(failures, has_failed, has_failed).mean[rows]
    logs = []
    for size in range(len(rows) + 1):
        lump = np.arange(len(rows)) < size
        gaps = measured[rows] - level + failures.depth * lump
        covariance = level_deviation**2 + failures.depth_deviation**2 * np.outer(lump, lump)
        widths = np.where(lump, failures.width, WIDER * slope)
        outcomes = np.log(np.where(lump, 1 - prior, prior) + 1e-12).sum()
        logs.append(outcomes + maths.gaussian_log_density(gaps, covariance + np.diag(widths**2)))
    has_failed[rows[: int(np.argmax(logs))]] = True
    return has_failed


def _odds(
    is_known: Bool[ndarray, "model dataset"], failed: Bool[ndarray, "model dataset"]
) -> tuple[Float64[ndarray, " model"], Float64[ndarray, " model"], float]:
    """a_i, its variance, and σ_b: Newton steps and moments in turn (Laplace's approximation)."""
    models, datasets = is_known.shape
    outcome = np.where(failed, 0.0, 1.0)
    a, b, middle = np.zeros(models), np.zeros(datasets), 0.0
    of_networks, of_datasets = TYPICAL_NETWORK, TYPICAL_DATASET
    a_variance = np.full(models, of_networks)
    for _ in range(STEPS):
        p = expit(a[:, None] + b)
        weight = np.where(is_known, p * (1 - p), 0.0)
        rest = np.where(is_known, outcome - p, 0.0)
        a_variance = 1 / (weight.sum(axis=1) + 1 / of_networks)
        a = a + a_variance * (rest.sum(axis=1) - (a - middle) / of_networks)
        p = expit(a[:, None] + b)
        weight = np.where(is_known, p * (1 - p), 0.0)
        rest = np.where(is_known, outcome - p, 0.0)
        b_variance = 1 / (weight.sum(axis=0) + 1 / of_datasets)
        b = b + b_variance * (rest.sum(axis=0) - b / of_datasets)
        middle = float(a.mean())
        of_networks = _pooled((a - middle) ** 2 + a_variance, TYPICAL_NETWORK)
        of_datasets = _pooled(b**2 + b_variance, TYPICAL_DATASET)
    return a, a_variance, float(np.sqrt(of_datasets))


def _pooled(squares: Float64[ndarray, " _"], typical: float) -> float:
    """Mean of squares, with virtual ones of the typical size."""
    return float((squares.sum() + VIRTUAL * typical) / (len(squares) + VIRTUAL))
