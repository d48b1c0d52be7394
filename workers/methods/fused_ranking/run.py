"""From evidence to a posterior, and from draws of it to the answer."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray
from threadpoolctl import threadpool_limits

from service.core.catalogue.fused_ranking import FusedRankingParams
from workers.contract import Report
from workers.methods.fused_ranking import maths
from workers.methods.fused_ranking.evidence import Inputs
from workers.methods.fused_ranking.fitting import Fitted, fitted, unit_of
from workers.methods.fused_ranking.outcome import Baseline, Estimate, Result
from workers.methods.fused_ranking.posterior import (
    Posterior,
    Runs,
    limited_runs,
    posterior_of,
)

MEASURED_NEXT = 3
RUNS = "runs"


def run(inputs: Inputs, params: FusedRankingParams, report: Report) -> Result:
    """The posterior over all candidates and what follows from it."""
    with threadpool_limits(
        limits=1
    ):  # thousands of small products: threads only wait for each other
        learned = fitted(inputs, seed=params.seed, told=report)
    posterior = after_runs(learned, inputs.measured, params)
    result = _answer(inputs, params, learned, posterior)
    report(1, 1)
    return result


def after_runs(
    learned: Fitted, measured: Float64[ndarray, " model"], params: FusedRankingParams
) -> Posterior:
    """Mean and draws once these runs are known; a measured model's mean is its run."""
    seen = ~np.isnan(measured)
    runs = limited_runs(Runs(seen, measured[seen]), learned.scale)
    rng = np.random.default_rng(params.seed)
    found = posterior_of(learned.prior, learned.scale, runs, count=params.samples, rng=rng)
    mean = np.where(seen, np.nan_to_num(measured), found.mean)
    draws = found.draws
    draws[:, seen] += measured[seen] - runs.values
    return Posterior(mean, draws)


def tempered(posterior: Posterior, temper: float) -> Float64[ndarray, "draw model"]:
    """Draws with their deviations from the mean scaled: for questions about the best."""
    return np.asarray(posterior.mean + temper * (posterior.draws - posterior.mean))


def promising(
    posterior: Posterior, open_to: ndarray, *, count: int = MEASURED_NEXT
) -> Int64[ndarray, " chosen"]:
    """Places whose measurement promises most: most often the best, then the highest mean."""
    shares = maths.best_shares(posterior.draws)
    places = np.flatnonzero(open_to)
    order = np.lexsort((-posterior.mean[places], -shares[places]))
    return places[order[:count]]


def _answer(
    inputs: Inputs, params: FusedRankingParams, learned: Fitted, posterior: Posterior
) -> Result:
    places = np.flatnonzero(inputs.candidates)
    names = [inputs.models[place] for place in places]
    own = Posterior(posterior.mean[places], posterior.draws[:, places])
    measured = inputs.measured[places]
    rival = tempered(own, learned.temper)
    p_best = maths.best_shares(rival)
    kept = maths.smallest_set(p_best, coverage=params.coverage)
    estimates = _estimates(own, rival, names, measured, coverage=params.coverage)
    told = np.append(inputs.accuracies, inputs.measured)
    estimates = tuple(_possible(one, told) for one in estimates)
    return Result(
        estimates,
        tuple(names[at] for at in kept),
        float(p_best[kept].sum()),
        estimates[0].expected_regret if estimates else 0.0,
        tuple(names[at] for at in promising(own, np.isnan(measured))),
        _evidence(learned, posterior, inputs),
        baselines(inputs),
    )


def _estimates(
    own: Posterior,
    rival: Float64[ndarray, "draw model"],
    names: list[str],
    measured: Float64[ndarray, " model"],
    *,
    coverage: float,
) -> tuple[Estimate, ...]:
    tail = 50 * (1 - coverage)
    low, high = np.percentile(own.draws, [tail, 100 - tail], axis=0)
    deviation, p_best = own.draws.std(axis=0), maths.best_shares(rival)
    regrets = maths.expected_regrets(rival)
    return tuple(
        Estimate(
            names[at],
            float(own.mean[at]),
            float(deviation[at]),
            float(low[at]),
            float(high[at]),
            float(p_best[at]),
            float(regrets[at]),
            None if np.isnan(measured[at]) else float(measured[at]),
        )
        for at in np.argsort(-own.mean, kind="stable")
    )


def _possible(one: Estimate, accuracies: Float64[ndarray, " any"]) -> Estimate:
    """An estimate within 0 and the unit, unless an accuracy that was told is not."""
    unit = unit_of(accuracies)
    known = accuracies[~np.isnan(accuracies)]
    if (known < 0).any() or (known > unit).any():
        return one
    low, mean, high = (float(np.clip(part, 0, unit)) for part in (one.low, one.mean, one.high))
    return replace(one, low=low, mean=mean, high=high)


def _evidence(learned: Fitted, posterior: Posterior, inputs: Inputs) -> Mapping[str, float]:
    """Spread over the candidates of what each source adds to their means, as shares."""
    signals, places = learned.signals, inputs.candidates
    parts = {"history": signals.ability[places]}
    for at, name in enumerate(signals.names):
        added = learned.trust * signals.values[places, at] * learned.weights.mean[at]
        parts[name] = parts.get(name, 0.0) + added
    moved = (posterior.mean - learned.scale.level) / learned.scale.slope - learned.prior.mean
    if not np.isnan(inputs.measured).all():
        parts[RUNS] = moved[places]
    spreads = {name: float(np.std(part)) for name, part in parts.items()}
    whole = sum(spreads.values())
    return (
        {name: spread / whole for name, spread in spreads.items()} if whole else {"history": 1.0}
    )


def baselines(inputs: Inputs) -> tuple[Baseline, ...]:
    """The static list and one list for each trait, which do not look at the target."""
    lists = {"static": maths.static_list(maths.standardized(inputs.accuracies)), **inputs.traits}
    return tuple(_listed(name, values, inputs) for name, values in lists.items())


def _listed(name: str, values: Float64[ndarray, " model"], inputs: Inputs) -> Baseline:
    places = np.flatnonzero(inputs.candidates)
    sunk = np.where(np.isnan(values[places]), -np.inf, values[places])
    order = places[np.argsort(-sunk, kind="stable")]
    told = tuple(None if np.isnan(values[at]) else float(values[at]) for at in order)
    return Baseline(name, tuple(inputs.models[at] for at in order), told)
