"""Calibration: the target's runs are rehearsed on the history's datasets, whose truth is known.

The same models that are measured on the target are measured on every held-out dataset, and the
others are predicted. How far the predictions then miss sets the width of intervals, and how often
the true winners were expected sets how wide their uncertainty is.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64
from numpy import ndarray
from scipy.special import ndtri

from workers.methods.fused_ranking import maths
from workers.methods.fused_ranking.fitting import Fitted
from workers.methods.fused_ranking.predicting import AccuracyPrediction, Draws

TEMPERS = np.exp(np.linspace(-1.0, 1.0, 9))
TEMPER_DEVIATION = 0.5
DRAWS = 400
VIRTUAL_DATASETS = 2
UNIFORM_POINTS = 5
TINY = 1e-9


@dataclass(frozen=True)
class Calibration:
    """What rehearsals say about statements of the posterior.

    Attributes:
        low: Lower end of intervals, in deviations.
        high: Upper end of intervals, in deviations.
        temper: Factor on deviations in questions about the best network.
        level: Share of P(best) that a set needs to hold the best with the stated coverage.
    """

    low: float
    high: float
    temper: float
    level: float


@dataclass(frozen=True)
class _Rehearsed:
    """One held-out dataset after the runs: truth, prediction and draws of its known models."""

    truth: Float64[ndarray, " model"]
    unmeasured: Bool[ndarray, " model"]
    prediction: AccuracyPrediction
    draws: Draws


def calibrated(
    fit: Fitted, is_measured: Bool[ndarray, " model"], *, coverage: float, seed: int
) -> Calibration:
    """Interval ends and temper from rehearsals on the held-out datasets."""
    rehearsals = list(_rehearsals(fit, is_measured, seed=seed))
    misses = [
        ((rehearsal.truth - rehearsal.prediction.mean) / rehearsal.prediction.deviation)[
            rehearsal.unmeasured
        ]
        for rehearsal in rehearsals
    ]
    low, high = interval_ends(misses, coverage=coverage)
    temper = temper_for(rehearsals)
    shares = np.array([_share_before_winner(rehearsal, temper) for rehearsal in rehearsals])
    return Calibration(low, high, temper, set_level(shares, coverage=coverage))


def interval_ends(misses: list[Float64[ndarray, " _"]], *, coverage: float) -> tuple[float, float]:
    """Quantiles of the standardized misses, pooled with two virtual datasets of normal ones.

    Zero is always inside, so an interval contains its mean. Split conformal prediction over
    datasets: Vovk, Gammerman & Shafer 2005.
    """
    size = int(np.mean([len(miss) for miss in misses])) if misses else 1
    count = max(VIRTUAL_DATASETS * size, 1)
    virtual = ndtri((np.arange(count) + 0.5) / count)
    normal = float(ndtri((1 + coverage) / 2))
    pooled = np.concatenate([*misses, virtual])
    if len(pooled) == count:
        return -normal, normal
    low, high = np.quantile(pooled, [(1 - coverage) / 2, (1 + coverage) / 2])
    return min(float(low), 0.0), max(float(high), 0.0)


def set_level(shares: Float64[ndarray, " dataset"], *, coverage: float) -> float:
    """The share of P(best) whose sets held that many winners, at least the coverage itself.

    A set of level l holds a winner if the likelier models together have less than l. Two virtual
    datasets with uniform shares, as exact probabilities would have, are pooled with the others.
    """
    count = VIRTUAL_DATASETS * UNIFORM_POINTS
    uniform = (np.arange(count) + 0.5) / count
    pooled = np.concatenate([np.repeat(shares, UNIFORM_POINTS), uniform])
    return max(coverage, float(np.quantile(pooled, coverage, method="higher")) + TINY)


def temper_for(rehearsals: list[_Rehearsed]) -> float:
    """Factor on all deviations that makes the held-out winners most probable, under a prior.

    The prior is log-normal around 1 with deviation ½, so a few datasets change little.
    """
    logs = -0.5 * (np.log(TEMPERS) / TEMPER_DEVIATION) ** 2
    for rehearsal in rehearsals:
        logs = logs + _winner_logs(rehearsal)
    return float(TEMPERS[int(np.argmax(logs))])


def _rehearsals(
    fit: Fitted, is_measured: Bool[ndarray, " model"], *, seed: int
) -> Iterator[_Rehearsed]:
    for held_out in fit.held_out:
        is_known = ~np.isnan(held_out.accuracies)
        is_run = is_known & is_measured
        if is_run.sum() == is_known.sum():
            continue
        measured = np.where(is_run, held_out.accuracies, np.nan)
        draws = held_out.predictor.draws(measured, count=DRAWS, seed=seed)
        draws.learned[:, is_run] = held_out.accuracies[is_run]
        yield _Rehearsed(
            held_out.accuracies[is_known],
            ~is_run[is_known],
            held_out.predictor.prediction(measured).of(is_known),
            draws.of(is_known),
        )


def _share_before_winner(rehearsal: _Rehearsed, temper: float) -> float:
    """Total P(best) of the models that are likelier to be the best than the true winner."""
    p_best = maths.best_shares(rehearsal.draws.tempered(temper))
    winner = p_best[rehearsal.truth == rehearsal.truth.max()].max()
    return float(p_best[p_best > winner].sum())


def _winner_logs(rehearsal: _Rehearsed) -> Float64[ndarray, " temper"]:
    """Log P(the true winner is best) for every temper, from the same draws."""
    is_winner = rehearsal.truth == rehearsal.truth.max()
    shares = [
        maths.best_shares(rehearsal.draws.tempered(temper))[is_winner].sum() for temper in TEMPERS
    ]
    # Laplace's rule of succession: no winner gets probability 0 from finitely many draws.
    return np.log((DRAWS * np.array(shares) + 1) / (DRAWS + 2))
