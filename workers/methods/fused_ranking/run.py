"""From evidence to a posterior, and from draws of it to the answer."""

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from service.core.catalogue.fused_ranking import FusedRankingParams
from workers.contract import Report
from workers.methods.fused_ranking import decisions, maths
from workers.methods.fused_ranking.evidence import Inputs
from workers.methods.fused_ranking.outcome import Baseline, Estimate, Result

MEASURED_NEXT = 3


def run(inputs: Inputs, params: FusedRankingParams, report: Report) -> Result:
    """The posterior over all candidates and what follows from it."""
    z = maths.standardised(inputs.accuracies)
    static = np.nan_to_num(maths.static_list(z))
    residual = z - static[:, None]
    spread = float(np.sqrt(np.nanmean(residual**2))) if np.isfinite(residual).any() else 1.0
    level, unit = _scale(inputs.accuracies)
    mean, covariance = maths.conditioned(
        level + unit * static,
        (unit * max(spread, 0.1)) ** 2 * np.eye(len(static)),
        ~np.isnan(inputs.measured),
        np.nan_to_num(inputs.measured),
        noise=0.003 * unit,
    )
    report(1, 2)
    rng = np.random.default_rng(params.seed)
    draws = rng.multivariate_normal(mean, covariance, size=params.samples, method="cholesky")
    result = _answer(inputs, params, draws[:, inputs.candidates])
    report(2, 2)
    return result


def _scale(accuracies: Float64[ndarray, "model dataset"]) -> tuple[float, float]:
    """Typical level and spread of a column."""
    known = accuracies[:, np.isfinite(accuracies).any(axis=0)]
    if not known.size:
        return 0.5, 0.1
    return float(np.nanmean(known)), float(np.nanmean(np.nanstd(known, axis=0))) or 0.01


def _answer(inputs: Inputs, params: FusedRankingParams, draws: ndarray) -> Result:
    names = [name for name, wanted in zip(inputs.models, inputs.candidates, strict=True) if wanted]
    p_best, regrets = decisions.best_shares(draws), decisions.expected_regrets(draws)
    kept = decisions.smallest_set(p_best, coverage=params.coverage)
    order = np.argsort(-draws.mean(axis=0), kind="stable")
    tail = 50 * (1 - params.coverage)
    low, high = np.percentile(draws, [tail, 100 - tail], axis=0)
    measured = inputs.measured[inputs.candidates]
    estimates = tuple(
        Estimate(
            names[at],
            float(draws[:, at].mean()),
            float(draws[:, at].std()),
            float(low[at]),
            float(high[at]),
            float(p_best[at]),
            float(regrets[at]),
            None if np.isnan(measured[at]) else float(measured[at]),
        )
        for at in order
    )
    unknown = [at for at in np.argsort(-p_best, kind="stable") if np.isnan(measured[at])]
    return Result(
        estimates,
        tuple(names[at] for at in kept),
        float(p_best[kept].sum()),
        estimates[0].expected_regret,
        tuple(names[at] for at in unknown[:MEASURED_NEXT]),
        {"history": 1.0},
        _baselines(inputs, names),
    )


def _baselines(inputs: Inputs, names: list[str]) -> tuple[Baseline, ...]:
    lists = {"static": maths.static_list(maths.standardised(inputs.accuracies)), **inputs.traits}
    return tuple(
        _ordered(name, values[inputs.candidates], names) for name, values in lists.items()
    )


def _ordered(name: str, values: Float64[ndarray, " model"], names: list[str]) -> Baseline:
    order = np.argsort(-np.where(np.isnan(values), -np.inf, values), kind="stable")
    told = tuple(None if np.isnan(values[at]) else float(values[at]) for at in order)
    return Baseline(name, tuple(names[at] for at in order), told)
