"""From evidence to a posterior, and from its draws to the ranking."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float64, Int64
from numpy import ndarray
from scipy.special import ndtri
from threadpoolctl import threadpool_limits

from service.core.catalog.fused_ranking import FusedRankingParams
from workers.methods.fused_ranking import maths
from workers.methods.fused_ranking.evidence import FusedRankingData
from workers.methods.fused_ranking.fitting import Fitted, fitted, unit_of
from workers.methods.fused_ranking.outcome import BaselineOrder, Estimate, FusedRankingResult
from workers.methods.fused_ranking.predicting import AccuracyPrediction
from workers.methods.fused_ranking.rehearsing import Calibration, calibrated
from workers.methods.fused_ranking.signals import HISTORY
from workers.torchkit.protocols import Report

MEASURED_NEXT = 3
RUNS = "runs"


@dataclass(frozen=True)
class Posterior:
    """The answer about all models: moments, interval ends, and draws for questions about the best.

    ``level`` is the share of P(best) that a set needs to hold the best with the stated coverage.
    """

    prediction: AccuracyPrediction
    low: Float64[ndarray, " model"]
    high: Float64[ndarray, " model"]
    draws: Float64[ndarray, "draw model"]
    level: float

    def of(self, models: Int64[ndarray, " chosen"] | Bool[ndarray, " model"]) -> "Posterior":
        """The posterior of some models."""
        return Posterior(
            self.prediction.of(models),
            self.low[models],
            self.high[models],
            self.draws[:, models],
            self.level,
        )


def run(
    inputs: FusedRankingData, params: FusedRankingParams, report: Report
) -> FusedRankingResult:
    """The ranking of all candidates, from the posterior of their accuracies."""
    with threadpool_limits(
        limits=1
    ):  # thousands of small products: extra threads only wait for each other
        fit = fitted(inputs, report=report)
        posterior = posterior_after(fit, inputs.measured, params)
    result = _answer(inputs, params, fit, posterior)
    report(1, 1)
    return result


def posterior_after(
    fit: Fitted, measured: Float64[ndarray, " model"], params: FusedRankingParams
) -> Posterior:
    """The posterior given these runs, calibrated by the same runs on held-out datasets."""
    is_measured = ~np.isnan(measured)
    prediction = fit.predictor.prediction(measured)
    calibration = calibrated(fit, is_measured, coverage=params.coverage, seed=params.seed)
    draws = fit.predictor.draws(measured, count=params.samples, seed=params.seed)
    low, high = _ends(is_measured, calibration, coverage=params.coverage)
    return Posterior(
        prediction,
        prediction.mean + low * prediction.deviation,
        prediction.mean + high * prediction.deviation,
        draws.tempered(calibration.temper),
        calibration.level,
    )


def next_to_measure(
    prediction: AccuracyPrediction,
    measured: Float64[ndarray, " model"],
    open_mask: Bool[ndarray, " model"],
    *,
    count: int = MEASURED_NEXT,
) -> Int64[ndarray, " chosen"]:
    """Unmeasured models to measure next: in turn the likely best, and what may yet beat it.

    Runs of even number (0, 2, …) take the highest mean, so that the top of the order is measured;
    runs of odd number take the highest value of measuring.
    """
    mean, learned = prediction.mean, prediction.learned
    values = maths.values_of_measuring(mean, prediction.success, learned.mean, learned.deviation)
    runs, chosen = int((~np.isnan(measured)).sum()), np.zeros(0, dtype=np.int64)
    for run_number in range(runs, runs + count):
        open_models = np.setdiff1d(np.flatnonzero(open_mask & np.isnan(measured)), chosen)
        if not len(open_models):
            break
        first, second = (mean, values) if run_number % 2 == 0 else (values, mean)
        order = np.lexsort((-second[open_models], -first[open_models]))
        chosen = np.append(chosen, open_models[order[0]])
    return chosen


def _ends(
    is_measured: Bool[ndarray, " model"], calibration: Calibration, *, coverage: float
) -> tuple[Float64[ndarray, " model"], Float64[ndarray, " model"]]:
    """Interval ends in deviations: measured models have measurement noise only, which is normal."""
    normal = float(ndtri((1 + coverage) / 2))
    return (
        np.where(is_measured, -normal, calibration.low),
        np.where(is_measured, normal, calibration.high),
    )


def _answer(
    inputs: FusedRankingData, params: FusedRankingParams, fit: Fitted, posterior: Posterior
) -> FusedRankingResult:
    candidates = np.flatnonzero(inputs.candidates)
    names = [inputs.models[row] for row in candidates]
    own = posterior.of(candidates)
    measured = inputs.measured[candidates]
    p_best = maths.best_shares(own.draws)
    best_set = maths.smallest_set(p_best, coverage=own.level)
    known_accuracies = np.append(inputs.accuracies, inputs.measured)
    estimates = tuple(
        _clipped(estimate, known_accuracies)
        for estimate in _estimates(own, p_best, names, measured)
    )
    chosen = next_to_measure(own.prediction, measured, np.ones(len(measured), dtype=np.bool_))
    return FusedRankingResult(
        estimates,
        tuple(names[index] for index in best_set),
        float(p_best[best_set].sum()),
        estimates[0].expected_regret if estimates else 0.0,
        tuple(names[index] for index in chosen),
        _evidence(fit, posterior, inputs),
        baselines(inputs),
    )


def _estimates(
    posterior: Posterior,
    p_best: Float64[ndarray, " model"],
    names: list[str],
    measured: Float64[ndarray, " model"],
) -> tuple[Estimate, ...]:
    regrets = maths.expected_regrets(posterior.draws)
    return tuple(
        Estimate(
            names[index],
            float(posterior.prediction.mean[index]),
            float(posterior.prediction.deviation[index]),
            float(posterior.low[index]),
            float(posterior.high[index]),
            float(p_best[index]),
            float(regrets[index]),
            None if np.isnan(measured[index]) else float(measured[index]),
        )
        for index in np.argsort(-posterior.prediction.mean, kind="stable")
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
    candidates, parts = inputs.candidates, {HISTORY: np.zeros(int(inputs.candidates.sum()))}
    for link in fit.links:
        parts[HISTORY] += link.signals.ability[candidates]
        for index, name in enumerate(link.signals.names):
            added = link.trust * link.signals.values[candidates, index] * link.weights.mean[index]
            parts[name] = parts.get(name, 0.0) + added
    if not np.isnan(inputs.measured).all():
        before = fit.predictor.prediction(np.full(len(candidates), np.nan)).mean
        moved = (posterior.prediction.mean - before)[candidates]
        parts[RUNS] = len(fit.links) * moved / fit.predictor.scale.slope
    spreads = {name: float(np.std(part)) for name, part in parts.items()}
    total = sum(spreads.values())
    return {name: spread / total for name, spread in spreads.items()} if total else {HISTORY: 1.0}


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
