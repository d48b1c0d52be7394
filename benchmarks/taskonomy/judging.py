"""How well a table of scores foresees the truth, target by target, and λ chosen on other targets.

Axes: ``target``, ``source``; a score is higher for a source that is thought better. A target's
own network is never its source. Rows of scores may be NaN where a measure does not apply.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64, Int64
from scipy.stats import spearmanr

from workers.torchkit.similarity.evaluation import RELEVANT, orders, regret_at_one, retrieval

EDGE_WEIGHTS = (0.0, 0.03, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 10.0, np.inf)
FIGURES = ("p_at_1", "p_at_5", "spearman", "regret")
_NOBODY = np.array([-1])
Scores = Float[np.ndarray, "target source"]


@dataclass(frozen=True)
class Judged:
    """Figures of every target: hit among the best five at 1 and at 5, Spearman, regret.

    Regret is the best mean win rate less that of the first recommendation, 0 to 1.
    """

    p_at_1: Float64[np.ndarray, " target"]
    p_at_5: Float64[np.ndarray, " target"]
    spearman: Float64[np.ndarray, " target"]
    regret: Float64[np.ndarray, " target"]

    def of(self, targets: Int64[np.ndarray, " chosen"]) -> dict[str, float]:
        """Means over some targets; R@5 equals P@5."""
        return {name: float(np.nanmean(getattr(self, name)[targets])) for name in FIGURES}


def judged(
    scores: Scores, affinity: Scores, wins: Scores, itself: Int64[np.ndarray, " t"]
) -> Judged:
    """Every figure of every target, its own network left out."""
    rows = [
        _target_figures(*(np.delete(table[k], own) for table in (scores, affinity, wins)))
        for k, own in enumerate(itself)
    ]
    return Judged(*np.array(rows, dtype=np.float64).T)


def _target_figures(
    scores: np.ndarray, affinity: np.ndarray, wins: np.ndarray
) -> tuple[float, ...]:
    if np.isnan(scores).any():
        return (np.nan,) * 4
    ranked, truth = (orders(table[None], _NOBODY) for table in (scores, affinity))
    precision = retrieval(ranked, truth).precision
    correlation = float(spearmanr(scores, affinity).statistic)
    regret = regret_at_one(scores[None], wins[None], _NOBODY)
    return float(precision[0]), float(precision[RELEVANT - 1]), correlation, regret


def weighted(node: Scores, edge: Scores, edge_weight: float) -> Scores:
    """s_V + λ s_E; edges alone for λ = ∞."""
    return edge if np.isinf(edge_weight) else node + edge_weight * edge


@dataclass(frozen=True)
class Halved:
    """Figures on the half of the targets that did not choose, over random halvings."""

    mean: dict[str, float]
    deviation: dict[str, float]
    chosen: dict[str, int]


def halved(choices: dict[str, Judged], *, targets: int, halvings: int, seed: int = 0) -> Halved:
    """Choose by mean Spearman on one half, judge on the other."""
    rng = np.random.default_rng(seed)
    halves, chosen = [], dict.fromkeys(choices, 0)
    for _ in range(halvings):
        order = rng.permutation(targets)
        tune, held_out = order[: targets // 2], order[targets // 2 :]
        best = max(choices, key=lambda name: choices[name].of(tune)["spearman"])
        chosen[best] += 1
        halves.append(choices[best].of(held_out))
    mean, deviation = (
        {name: float(f([half[name] for half in halves])) for name in FIGURES}
        for f in (np.mean, np.std)
    )
    return Halved(mean, deviation, {k: n for k, n in chosen.items() if n})


def interval(values: Float64[np.ndarray, " target"], *, seed: int = 0) -> tuple[float, float]:
    """95 % interval of the mean over redrawn targets."""
    there = values[~np.isnan(values)]
    draws = np.random.default_rng(seed).integers(len(there), size=(5000, len(there)))
    low, high = np.quantile(there[draws].mean(axis=1), [0.025, 0.975])
    return float(low), float(high)


def static_list(wins: Scores, itself: Int64[np.ndarray, " target"]) -> Scores:
    """Mean win rate of every source on the other targets; neither this target nor its own counts."""
    counted = np.ones_like(wins, dtype=bool)
    counted[np.arange(len(wins)), itself] = False
    rows = []
    for target in range(len(wins)):
        others = counted.copy()
        others[target] = False
        rows.append((wins * others).sum(axis=0) / others.sum(axis=0))
    return np.stack(rows)
