"""From evidence to a posterior, and from its draws to the ranking."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray
from threadpoolctl import threadpool_limits

from service.core.catalog.fused_ranking import FusedRankingParams
from workers.methods.fused_ranking import maths
from workers.methods.fused_ranking.evidence import FusedRankingData
from workers.methods.fused_ranking.fitting import Fitted, fitted, unit_of
from workers.methods.fused_ranking.outcome import BaselineOrder, Estimate, FusedRankingResult
from workers.methods.fused_ranking.posterior import (
    Posterior,
    Runs,
    limited_runs,
    posterior_of,
)
from workers.torchkit.protocols import Report

MEASURED_NEXT = 3
RUNS = "runs"


def run(
    inputs: FusedRankingData, params: FusedRankingParams, report: Report
) -> FusedRankingResult:
    """The ranking of all candidates, from the posterior of their accuracies."""
    with threadpool_limits(
        limits=1
    ):  # thousands of small products: extra threads only wait for each other
        fit = fitted(inputs, seed=params.seed, report=report)
    posterior = after_runs(fit, inputs.measured, params)
    result = _answer(inputs, params, fit, posterior)
    report(1, 1)
    return result


def after_runs(
    fit: Fitted, measured: Float64[ndarray, " model"], params: FusedRankingParams
) -> Posterior:
    """The posterior given these runs; a measured model's mean is its measured accuracy."""
    is_measured = ~np.isnan(measured)
    runs = limited_runs(Runs(is_measured, measured[is_measured]), fit.scale)
    rng = np.random.default_rng(params.seed)
    posterior = posterior_of(fit.prior, fit.scale, runs, count=params.samples, rng=rng)
    mean = np.where(is_measured, np.nan_to_num(measured), posterior.mean)
    draws = posterior.draws
    # The posterior saw softly limited runs: shift the measured models back to their true values.
    draws[:, is_measured] += measured[is_measured] - runs.values
    return Posterior(mean, draws)


def tempered(posterior: Posterior, temper: float) -> Float64[ndarray, "draw model"]:
    """Draws with scaled deviations from the mean, for questions about the best model."""
    return np.asarray(posterior.mean + temper * (posterior.draws - posterior.mean))


def next_to_measure(
    posterior: Posterior, open_mask: ndarray, *, count: int = MEASURED_NEXT
) -> Int64[ndarray, " chosen"]:
    """Rows to measure next: highest probability of being best, then highest mean."""
    shares = maths.best_shares(posterior.draws)
    open_models = np.flatnonzero(open_mask)
    order = np.lexsort((-posterior.mean[open_models], -shares[open_models]))
    return open_models[order[:count]]


def _answer(
    inputs: FusedRankingData, params: FusedRankingParams, fit: Fitted, posterior: Posterior
) -> FusedRankingResult:
    candidates = np.flatnonzero(inputs.candidates)
    names = [inputs.models[row] for row in candidates]
    candidate_posterior = Posterior(posterior.mean[candidates], posterior.draws[:, candidates])
    measured = inputs.measured[candidates]
    tempered_draws = tempered(candidate_posterior, fit.temper)
    p_best = maths.best_shares(tempered_draws)
    best_set = maths.smallest_set(p_best, coverage=params.coverage)
    estimates = _estimates(
        candidate_posterior, tempered_draws, names, measured, coverage=params.coverage
    )
    known_accuracies = np.append(inputs.accuracies, inputs.measured)
    estimates = tuple(_clipped(estimate, known_accuracies) for estimate in estimates)
    return FusedRankingResult(
        estimates,
        tuple(names[index] for index in best_set),
        float(p_best[best_set].sum()),
        estimates[0].expected_regret if estimates else 0.0,
        tuple(names[index] for index in next_to_measure(candidate_posterior, np.isnan(measured))),
        _evidence(fit, posterior, inputs),
        baselines(inputs),
    )


def _estimates(
    posterior: Posterior,
    tempered_draws: Float64[ndarray, "draw model"],
    names: list[str],
    measured: Float64[ndarray, " model"],
    *,
    coverage: float,
) -> tuple[Estimate, ...]:
    tail = 50 * (1 - coverage)
    low, high = np.percentile(posterior.draws, [tail, 100 - tail], axis=0)
    deviation, p_best = posterior.draws.std(axis=0), maths.best_shares(tempered_draws)
    regrets = maths.expected_regrets(tempered_draws)
    return tuple(
        Estimate(
            names[index],
            float(posterior.mean[index]),
            float(deviation[index]),
            float(low[index]),
            float(high[index]),
            float(p_best[index]),
            float(regrets[index]),
            None if np.isnan(measured[index]) else float(measured[index]),
        )
        for index in np.argsort(-posterior.mean, kind="stable")
    )


def _clipped(estimate: Estimate, accuracies: Float64[ndarray, " any"]) -> Estimate:
    """The estimate clipped to [0, unit], unless a known accuracy lies outside."""
    unit = unit_of(accuracies)
    known_values = accuracies[~np.isnan(accuracies)]
    if (known_values < 0).any() or (known_values > unit).any():
        return estimate
    low, mean, high = (
        float(np.clip(value, 0, unit)) for value in (estimate.low, estimate.mean, estimate.high)
    )
    return replace(estimate, low=low, mean=mean, high=high)


def _evidence(fit: Fitted, posterior: Posterior, inputs: FusedRankingData) -> Mapping[str, float]:
    """Share of each source in the spread of the candidates' means."""
    signals, candidates = fit.signals, inputs.candidates
    parts = {"history": signals.ability[candidates]}
    for index, name in enumerate(signals.names):
        added = fit.trust * signals.values[candidates, index] * fit.weights.mean[index]
        parts[name] = parts.get(name, 0.0) + added
    correction = (posterior.mean - fit.scale.level) / fit.scale.slope - fit.prior.mean
    if not np.isnan(inputs.measured).all():
        parts[RUNS] = correction[candidates]
    spreads = {name: float(np.std(part)) for name, part in parts.items()}
    total = sum(spreads.values())
    return (
        {name: spread / total for name, spread in spreads.items()} if total else {"history": 1.0}
    )


def baselines(inputs: FusedRankingData) -> tuple[BaselineOrder, ...]:
    """The static list and one list per trait: orders that ignore the target."""
    lists = {"static": maths.static_list(maths.standardized(inputs.accuracies)), **inputs.traits}
    return tuple(_listed(name, values, inputs) for name, values in lists.items())


def _listed(
    name: str, values: Float64[ndarray, " model"], inputs: FusedRankingData
) -> BaselineOrder:
    candidates = np.flatnonzero(inputs.candidates)
    sortable = np.where(np.isnan(values[candidates]), -np.inf, values[candidates])
    order = candidates[np.argsort(-sortable, kind="stable")]
    listed_values = tuple(None if np.isnan(values[row]) else float(values[row]) for row in order)
    return BaselineOrder(name, tuple(inputs.models[row] for row in order), listed_values)
