"""The set of networks that may be the best: its two numbers, and how often it holds the best.

P(best) of a network is proportional to exp(score / temperature). The temperature makes the best
networks of all targets likeliest; the share is what a set needs to hold the best in
every case of so many targets that a new one is covered with the stated probability (conformal
prediction with targets as units: Vovk, Gammerman & Shafer 2005).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from benchmarks.real_transfer.evaluation import combined
from service.core.operations.rankings.consensus import (
    LABEL_ESTIMATORS,
    SHARE,
    TEMPERATURE,
    chances_of_best,
    likely_best,
)

Facts = Mapping[str, Any]
COVERAGE = 0.8
TEMPERATURES = np.exp(np.linspace(-2.5, 0.7, 33))
METRICS = ("labels", "labels_and_history")


@dataclass(frozen=True)
class LikelyCase:
    """One ranking: scores, best first, and the truth of the same networks."""

    target: str
    held_back: bool
    scores: Float64[ndarray, " network"]
    truth: Float64[ndarray, " network"]

    @property
    def index_of_best(self) -> int:
        """Position of the best network; of equally good ones, the first."""
        return int(np.argmax(self.truth))


def coverage(facts: Facts) -> dict[str, Any]:
    """The learned numbers beside those in use, and coverage by metric and kind of target."""
    by_metric = {metric: cases_of(facts, metric) for metric in METRICS}
    temperature, share = learned(by_metric["labels"])
    return {
        "coverage": COVERAGE,
        "temperature": {"learned": temperature, "used": TEMPERATURE},
        "share": {"learned": share, "used": SHARE},
        "left_out": {metric: _left_out(cases) for metric, cases in by_metric.items() if cases},
        "rows": [
            {"metric": metric, "held_back": held_back, **_held(part, TEMPERATURE, SHARE)}
            for metric, cases in by_metric.items()
            for held_back in (True, False)
            if (part := [case for case in cases if case.held_back is held_back])
        ],
    }


def learned(cases: Sequence[LikelyCase]) -> tuple[float, float]:
    """Temperature and share from cases whose truth is known; targets count equally."""
    targets = sorted({case.target for case in cases})
    weights = [1 / sum(other.target == case.target for other in cases) for case in cases]
    worth = [
        sum(
            weight
            * math.log(chances_of_best(case.scores.tolist(), temperature)[case.index_of_best])
            for case, weight in zip(cases, weights, strict=True)
        )
        for temperature in TEMPERATURES.tolist()
    ]
    temperature = float(TEMPERATURES[int(np.argmax(worth))])
    largest = sorted(
        max(_share_before(case, temperature) for case in cases if case.target == target)
        for target in targets
    )
    rank = math.ceil(COVERAGE * (len(largest) + 1))
    share = largest[rank - 1] if rank <= len(largest) else 1.0
    return temperature, max(COVERAGE, share)


def cases_of(facts: Facts, metric: str) -> list[LikelyCase]:
    """All rankings by one metric."""
    targets = facts["targets"]
    names = [target["name"] for target in targets]
    truth = np.array([[np.mean(s) for s in splits] for splits in facts["accuracies"].values()])
    cases = []
    for case in facts["scores"]:
        own = {name: np.array(v, dtype=np.float64) for name, v in case["scores"].items()}
        if metric != "labels" and "fused" not in own:
            continue
        own["labels"] = combined(own, [name.value for name in LABEL_ESTIMATORS])
        scores = own["labels"] if metric == "labels" else combined(own, ("labels", "fused"))
        order = np.argsort(-np.nan_to_num(scores, nan=-np.inf), kind="stable")
        order = order[~np.isnan(scores[order])]
        index = names.index(case["target"])
        held_back = targets[index]["held_back"]
        cases.append(LikelyCase(case["target"], held_back, scores[order], truth[order, index]))
    return cases


def _share_before(case: LikelyCase, temperature: float) -> float:
    """Total chance of the networks before the best."""
    return sum(chances_of_best(case.scores.tolist(), temperature)[: case.index_of_best])


def _left_out(cases: Sequence[LikelyCase]) -> dict[str, float]:
    """Coverage, size and loss on every target, with numbers learned on the others."""
    parts = []
    for target in sorted({case.target for case in cases}):
        others = [case for case in cases if case.target != target]
        own = [case for case in cases if case.target == target]
        parts.append(_held(own, *learned(others)))
    return {
        name: float(np.mean([part[name] for part in parts])) for name in ("held", "size", "loss")
    }


def _held(cases: Sequence[LikelyCase], temperature: float, share: float) -> dict[str, float]:
    """How many sets held the best, of how many, their mean size, and the points that they lose."""
    sizes = [likely_best(case.scores.tolist(), temperature, share) for case in cases]
    losses = [
        float(case.truth.max() - case.truth[:size].max())
        for case, size in zip(cases, sizes, strict=True)
    ]
    return {
        "held": float(np.mean([loss == 0 for loss in losses])),
        "size": float(np.mean(sizes)),
        "loss": 100 * float(np.mean(losses)),
        "cases": len(cases),
    }


def lines(likely: Facts) -> list[str]:
    """The numbers as Markdown."""
    temperature, share = likely["temperature"], likely["share"]
    rows = [
        f"| `{metric}` | each left out | {left_out['held']:.0%} | {left_out['size']:.1f} | {left_out['loss']:.1f} |"
        for metric, left_out in likely["left_out"].items()
    ]
    rows += [
        f"| `{row['metric']}` | {'held back' if row['held_back'] else 'development'} |"
        f" {row['held']:.0%} of {row['cases']} | {row['size']:.1f} | {row['loss']:.1f} |"
        for row in likely["rows"]
    ]
    return [
        "P(best) is proportional to exp(score / temperature); a set holds the first networks whose"
        " chances reach the share. Learned on all targets for a coverage of"
        f" {likely['coverage']:.0%}: temperature {temperature['learned']:.3f}, share"
        f" {share['learned']:.3f}; in use: {temperature['used']}, {share['used']}. Only the rows of targets"
        " left out, with both numbers learned on the others, say how often new sets hold the best.",
        "",
        "| metric | targets | sets that held the best | networks in a set | loss of the set's best, points |",
        "|---|---|---|---|---|",
        *rows,
    ]
