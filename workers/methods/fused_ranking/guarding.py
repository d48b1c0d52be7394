"""How far to trust the signals, and how wide to be: judged on the history's own datasets.

Every dataset is predicted with weights learned from the others. Signals are followed only as far
as that orders the held-out datasets better than the static ability alone; uncertainty is scaled
until the true winners are neither more nor less surprising than stated.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from numpy import ndarray
from scipy.stats import weightedtau

from workers.methods.fused_ranking import maths
from workers.methods.fused_ranking.learning import Strengths, Terms, Weights, weights_from
from workers.methods.fused_ranking.posterior import prior_of
from workers.methods.fused_ranking.signals import Signals

TRUSTS = (1.0, 0.75, 0.5, 0.25, 0.0)
TEMPERS = np.exp(np.linspace(-1.0, 1.0, 9))
TEMPER_DEVIATION = 0.5
DRAWS = 500


@dataclass(frozen=True)
class Rehearsal:
    """One dataset of the history, held out: its signals, its weights, and the truth."""

    signals: Signals
    weights: Weights
    z: Float64[ndarray, " model"]


def rehearsals(
    signals: Sequence[Signals],
    columns: Sequence[Float64[ndarray, " model"]],
    *,
    terms: Sequence[Terms],
    expected: Float64[ndarray, " signal"],
    variance: Float64[ndarray, " signal"],
) -> tuple[Rehearsal, ...]:
    """Every fold with the weights that the other folds teach."""
    return tuple(
        Rehearsal(
            signals[at],
            weights_from([*terms[:at], *terms[at + 1 :]], expected, variance),
            columns[at],
        )
        for at in range(len(terms))
    )


def trust_in(rehearsed: Sequence[Rehearsal]) -> float:
    """The share of the signals' advice, in quarters, that ordered held-out datasets best.

    Judged by the mean weighted Kendall tau; 1 without rehearsals, 0 if advice never helped.
    """
    if not rehearsed:
        return 1.0
    taus = [np.mean([_tau(one, trust) for one in rehearsed]) for trust in TRUSTS]
    return TRUSTS[int(np.argmax(taus))] if max(taus) > taus[-1] else 0.0


def temper_for(
    rehearsed: Sequence[Rehearsal], strengths: Strengths, *, trust: float, seed: int
) -> float:
    """Factor of all deviations under which the held-out winners are likeliest, times a prior.

    The prior is log-normal around 1 with deviation ½, so that few datasets change little.
    """
    logs = -0.5 * (np.log(TEMPERS) / TEMPER_DEVIATION) ** 2
    rng = np.random.default_rng(seed)
    for one in rehearsed:
        logs = logs + _winner_logs(one, strengths, trust, rng)
    return float(TEMPERS[int(np.argmax(logs))])


def _tau(one: Rehearsal, trust: float) -> float:
    known = ~np.isnan(one.z)
    mean = one.signals.ability + trust * (one.signals.values @ one.weights.mean)
    return float(weightedtau(one.z[known], mean[known]).statistic)


def _winner_logs(
    one: Rehearsal, strengths: Strengths, trust: float, rng: np.random.Generator
) -> Float64[ndarray, " temper"]:
    """Log P(the true winner is best) under every temper, from the same draws."""
    known = ~np.isnan(one.z)
    prior = prior_of(one.signals, strengths, one.weights, trust=trust)
    deviations = rng.standard_normal((DRAWS, prior.factors.shape[1])) @ prior.factors[known].T
    deviations += rng.standard_normal(deviations.shape) * np.sqrt(prior.free[known])
    won = one.z[known] == one.z[known].max()
    shares = [
        maths.best_shares(prior.mean[known] + temper * deviations)[won].sum() for temper in TEMPERS
    ]
    return np.log((DRAWS * np.array(shares) + 1) / (DRAWS + 2))
