"""Which estimators `auto` combines: chosen on the development targets by the rule of PROTOCOL.md."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float64
from numpy import ndarray
from scipy.stats import spearmanr

from benchmarks.real_transfer.evaluation import COMBINABLE, PENALTY, POINTS, sets_to_try
from service.core.operations.rankings.consensus import LABEL_ESTIMATORS
from workers.tools.ranking_bench.measures import FEWEST

Facts = Mapping[str, Any]
Names = tuple[str, ...]


def chosen(facts: Facts) -> dict[str, Any]:
    """The choice, the best set, their worth, and what the rule reaches on each target left out.

    ``again``: the rule's mean worth on every target left out, the held-back ones among those that
    choose, beside that of the set in use.
    """
    everything = [target["name"] for target in facts["targets"]]
    names = [target["name"] for target in facts["targets"] if not target["held_back"]]
    sets = sets_to_try()
    worth = {name: _worth_of(facts, sets, name) for name in everything}
    table = np.stack([worth[name] for name in names], axis=1)
    left_out = _left_out({name: worth[name] for name in names}, sets)
    again = [entry["worth"] for entry in _left_out(worth, sets).values()]
    in_use = sets.index(tuple(name.value for name in LABEL_ESTIMATORS))
    best, pick = int(table.mean(axis=1).argmax()), _pick(table, sets)
    order = np.argsort(-table.mean(axis=1))[:20]
    return {
        "chosen": {"set": sets[pick], "worth": float(table[pick].mean())},
        "best": {"set": sets[best], "worth": float(table[best].mean())},
        "leading": [{"set": sets[n], "worth": float(table[n].mean())} for n in order],
        "left_out": left_out,
        "again": {
            "chosen": float(np.mean(again)),
            "in_use": float(np.mean([worth[name][in_use] for name in everything])),
        },
    }


def _left_out(
    worth: Mapping[str, Float64[ndarray, " set"]], sets: Sequence[Names]
) -> dict[str, dict[str, Any]]:
    """What the rule takes on the other targets, and its worth on the one left out."""
    table = np.stack(list(worth.values()), axis=1)
    results = {}
    for index, name in enumerate(worth):
        pick = _pick(np.delete(table, index, axis=1), sets)
        results[name] = {"set": sets[pick], "worth": float(table[pick, index])}
    return results


def _pick(table: Float64[ndarray, "set target"], sets: Sequence[Names]) -> int:
    """The smallest set within one standard error of the best, by paired differences; ties by worth."""
    means = table.mean(axis=1)
    gaps = table[means.argmax()] - table
    errors = gaps.std(axis=1, ddof=1) / np.sqrt(table.shape[1])
    eligible = np.flatnonzero(gaps.mean(axis=1) <= errors)
    return int(min(eligible, key=lambda n: (len(sets[n]), -means[n])))


def _worth_of(facts: Facts, sets: Sequence[Names], target: str) -> Float64[ndarray, " set"]:
    """Mean worth of every set over the cases of one target."""
    index = [t["name"] for t in facts["targets"]].index(target)
    truth = np.array([np.mean(splits[index]) for splits in facts["accuracies"].values()])
    cases = [case["scores"] for case in facts["scores"] if case["target"] == target]
    return np.mean(
        [[_worth(truth, case, names) for names in sets] for case in map(_standard, cases)], axis=0
    )


def _standard(
    scores: Mapping[str, Sequence[float | None]],
) -> dict[str, Float64[ndarray, " network"]]:
    """The scores that may be combined, standardized over the networks that have them."""
    rows = {
        name: np.array(scores[name], dtype=np.float64) for name in COMBINABLE if name in scores
    }
    with np.errstate(invalid="ignore"):
        return {name: (row - np.nanmean(row)) / np.nanstd(row) for name, row in rows.items()}


def _worth(
    truth: Float64[ndarray, " network"],
    standard: Mapping[str, Float64[ndarray, " network"]],
    names: Names,
) -> float:
    """Spearman minus a hundredth of the regret of the mean of standardized scores; 0 without any."""
    rows = [standard[name] for name in names if name in standard]
    if not rows:
        return 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a network without any of the scores stays unknown
        guess = np.nanmean(rows, axis=0)
    ranked = ~np.isnan(guess)
    if ranked.sum() < FEWEST or np.ptp(guess[ranked]) == 0:
        return 0.0
    spearman = float(spearmanr(guess[ranked], truth[ranked]).statistic)
    regret = float(truth.max() - truth[ranked][guess[ranked].argmax()])
    return spearman - PENALTY * POINTS * regret
