"""The result of a fused ranking."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Estimate:
    """One candidate's accuracy on the target, in the unit of the inputs.

    Attributes:
        mean: Expected accuracy.
        deviation: Standard deviation.
        low: Lower end of the interval at the requested coverage.
        high: Upper end of the interval.
        p_best: Probability that no other candidate is better.
        expected_regret: Expected loss of choosing this candidate instead of the best.
        measured: The measured accuracy on the target; None without a run.
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
class BaselineOrder:
    """A target-independent order of the candidates, best first, with the values behind it.

    ``values`` follow ``models``; unknown values are None and come last.
    """

    name: str
    models: tuple[str, ...]
    values: tuple[float | None, ...]


@dataclass(frozen=True)
class FusedRankingResult:
    """The ranking for one target.

    Attributes:
        estimates: Candidates, the highest expected accuracy first.
        best_set: Smallest set that contains the best candidate with the requested coverage.
        best_set_probability: Probability that ``best_set`` contains the best candidate.
        expected_regret: Expected loss of choosing the first candidate.
        measure_next: Up to three candidates to measure, in turn the likely best and what may beat it.
        evidence: Share of every source in the differences between candidates: ``history``,
            ``traits``, each score by name, ``runs``. Shares sum to 1.
        baselines: ``static`` (mean standardized accuracy on other datasets), then one for each
            trait, where higher counts as better.
    """

    estimates: tuple[Estimate, ...]
    best_set: tuple[str, ...]
    best_set_probability: float
    expected_regret: float
    measure_next: tuple[str, ...]
    evidence: Mapping[str, float]
    baselines: tuple[BaselineOrder, ...]
