"""What a fused ranking answers."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Estimate:
    """One candidate's accuracy on the target, in the unit of the inputs.

    Attributes:
        mean: Expected accuracy.
        deviation: Standard deviation.
        low: Lower end of the interval with the stated coverage.
        high: Its upper end.
        p_best: Probability that no other candidate is better.
        expected_regret: What choosing this one is expected to lose against the best.
        measured: The measured run that went in, if there was one.
    """

    model: str
    mean: float
    deviation: float
    low: float
    high: float
    p_best: float
    expected_regret: float
    measured: float | None


@dataclass(frozen=True)
class Baseline:
    """An order that does not look at the target: candidates from best to worst, and why.

    ``values`` follow ``models``; None where nothing is known, and those come last.
    """

    name: str
    models: tuple[str, ...]
    values: tuple[float | None, ...]


@dataclass(frozen=True)
class Result:
    """The answer for one target.

    Attributes:
        estimates: Candidates, the highest expected accuracy first.
        best_set: Smallest set of candidates that holds the best with the stated coverage.
        best_set_probability: Probability that it does.
        expected_regret: What choosing the first is expected to lose.
        measure_next: Up to three candidates whose measurement promises most.
        evidence: Share of every source in the differences between candidates: ``history``,
            ``traits``, each score by name, ``runs``. Shares sum to 1.
        baselines: ``static`` (mean standardized accuracy on other datasets), then one for each
            trait, which is taken to be better when higher.
    """

    estimates: tuple[Estimate, ...]
    best_set: tuple[str, ...]
    best_set_probability: float
    expected_regret: float
    measure_next: tuple[str, ...]
    evidence: Mapping[str, float]
    baselines: tuple[Baseline, ...]
