"""Every target is held out once and ranked from the other columns by every method."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64
from numpy import ndarray

from service.core.catalogue.fused_ranking import FusedRankingParams
from workers.methods.fused_ranking import maths
from workers.methods.fused_ranking.evidence import Inputs
from workers.methods.fused_ranking.fitting import Fitted, fitted, unit_of
from workers.methods.fused_ranking.posterior import Posterior
from workers.methods.fused_ranking.run import after_runs, promising, tempered
from workers.ranking_bench.measures import judged
from workers.ranking_bench.tables import Table

STATIC = "static list"
DRAWS_PER_STEP = 1000
RANDOM_ORDERS = 3


@dataclass(frozen=True)
class Settings:
    """Depth of recall, numbers of measured runs, stated coverage and seed."""

    k: int = 5
    runs: tuple[int, ...] = (0, 5, 10, 20)
    coverage: float = 0.8
    seed: int = 0


@dataclass(frozen=True)
class Calibration:
    """One target after some runs: was the winner in the set, how large and how likely was that.

    ``inside`` of ``open`` unmeasured accuracies lay in their intervals.
    """

    held: bool
    size: int
    probability: float
    inside: int
    open: int


@dataclass(frozen=True)
class Judged:
    """One target: measures by method, and calibration by number of runs."""

    target: str
    measures: dict[str, dict[str, float]]
    calibration: dict[int, Calibration]


def judged_targets(table: Table, settings: Settings) -> Iterator[Judged]:
    """Every target with two or more known accuracies, one after another."""
    for at in range(len(table.targets)):
        if (~np.isnan(table.accuracies[:, at])).sum() > 1:
            yield _judged_target(table, at, settings)


def fused_name(runs: int, chosen: str = "") -> str:
    """How the fused ranking with so many runs is called in the tables."""
    return f"fused, {runs} runs{chosen}"


def _judged_target(table: Table, at: int, settings: Settings) -> Judged:
    truth = table.accuracies[:, at]
    points = 100.0 / unit_of(table.accuracies)
    guesses, calibration = _guesses(table, at, settings)
    measures: dict[str, dict[str, float]] = {}
    for name, orders in guesses.items():
        found = [judged(truth, order, k=settings.k, points=points) for order in orders]
        whole = [one for one in found if one is not None]
        if whole:
            measures[name] = {key: float(np.mean([one[key] for one in whole])) for key in whole[0]}
    return Judged(table.targets[at], measures, calibration)


def _guesses(
    table: Table, at: int, settings: Settings
) -> tuple[dict[str, list[Float64[ndarray, " model"]]], dict[int, Calibration]]:
    """Orders by method, several where chance chooses."""
    truth, inputs = table.accuracies[:, at], inputs_for(table, at)
    static = np.nan_to_num(maths.static_list(maths.standardized(inputs.accuracies)))
    guesses = {STATIC: [static]}
    guesses |= {name: [values] for name, values in table.facts.items()}
    guesses |= {name: [values[:, at]] for name, values in table.scores.items()}
    learned = fitted(inputs, seed=settings.seed, report=lambda *_: None)
    calibration = {}
    known = ~np.isnan(truth)
    wanted = [runs for runs in settings.runs if runs < known.sum()]
    for runs, measured in _actively(learned, truth, wanted, settings):
        posterior = after_runs(learned, measured, _params(settings))
        guesses[fused_name(runs)] = [posterior.mean]
        calibration[runs] = _calibration(
            posterior,
            learned.temper,
            truth,
            unmeasured=np.isnan(measured),
            coverage=settings.coverage,
        )
    for runs in [runs for runs in wanted if runs]:
        guesses[fused_name(runs, ", by chance")] = _by_chance(learned, truth, runs, settings)
        guesses[f"{STATIC}, first {runs} run"] = [_first_run(static, truth, runs)]
    return guesses, calibration


def inputs_for(table: Table, at: int) -> Inputs:
    """All evidence but the target's own accuracies."""
    others = [column for column in range(len(table.targets)) if column != at]
    return Inputs(
        table.models,
        np.ones(len(table.models), dtype=np.bool_),
        tuple(table.targets[column] for column in others),
        table.accuracies[:, others],
        table.targets[at],
        np.full(len(table.models), np.nan),
        {
            name: values[:, at]
            for name, values in table.scores.items()
            if not np.isnan(values[:, at]).all()
        },
        {name: values[:, others] for name, values in table.scores.items()},
        table.facts,
    )


def _params(settings: Settings) -> FusedRankingParams:
    return FusedRankingParams(coverage=settings.coverage, seed=settings.seed)


def _actively(
    learned: Fitted, truth: Float64[ndarray, " model"], wanted: list[int], settings: Settings
) -> Iterator[tuple[int, Float64[ndarray, " model"]]]:
    """Runs measured one after another, each where the posterior finds it most promising."""
    measured = np.full(len(truth), np.nan)
    params = FusedRankingParams(samples=DRAWS_PER_STEP, seed=settings.seed)
    for runs in range(max(wanted, default=-1) + 1):
        if runs in wanted:
            yield runs, measured.copy()
        posterior = after_runs(learned, measured, params)
        chosen = promising(posterior, ~np.isnan(truth) & np.isnan(measured), count=1)
        measured[chosen] = truth[chosen]


def _by_chance(
    learned: Fitted, truth: Float64[ndarray, " model"], runs: int, settings: Settings
) -> list[Float64[ndarray, " model"]]:
    """Means after runs of models drawn at random, for some draws."""
    means = []
    for turn in range(RANDOM_ORDERS):
        rng = np.random.default_rng([settings.seed, turn])
        chosen = rng.permutation(np.flatnonzero(~np.isnan(truth)))[:runs]
        measured = np.full(len(truth), np.nan)
        measured[chosen] = truth[chosen]
        few = FusedRankingParams(samples=100, seed=settings.seed)
        means.append(after_runs(learned, measured, few).mean)
    return means


def _first_run(
    static: Float64[ndarray, " model"], truth: Float64[ndarray, " model"], runs: int
) -> Float64[ndarray, " model"]:
    """The static list whose first models are measured and put in the order of their accuracy."""
    known = np.flatnonzero(~np.isnan(truth))
    first = known[np.argsort(-static[known], kind="stable")[:runs]]
    order = static.copy()
    lift = static[known].max() + 1
    spread = max(float(np.ptp(truth[first])), 1e-12)
    order[first] = lift + (truth[first] - truth[first].min()) / spread
    return order


def _calibration(
    posterior: Posterior,
    temper: float,
    truth: Float64[ndarray, " model"],
    *,
    unmeasured: Bool[ndarray, " model"],
    coverage: float,
) -> Calibration:
    known = np.flatnonzero(~np.isnan(truth))
    draws = posterior.draws[:, known]
    p_best = maths.best_shares(tempered(posterior, temper)[:, known])
    kept = maths.smallest_set(p_best, coverage=coverage)
    tail = 50 * (1 - coverage)
    low, high = np.percentile(draws, [tail, 100 - tail], axis=0)
    still = unmeasured[known]
    inside = (truth[known] >= low) & (truth[known] <= high)
    return Calibration(
        bool((truth[known][kept] == truth[known].max()).any()),
        len(kept),
        float(p_best[kept].sum()),
        int(inside[still].sum()),
        int(still.sum()),
    )
