"""The evidence from which a ranking is computed."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from jaxtyping import Bool, Float64
from numpy import ndarray


@dataclass(frozen=True)
class FusedRankingData:
    """Evidence about one target; NaN means unknown.

    Accuracies are all shares (0 to 1) or all points (0 to 100); higher is better. They count as
    shares if none exceeds 1.

    Attributes:
        models: Names of the rows; models that are not candidates still contribute evidence.
        candidates: Mask of the rows to rank.
        datasets: Names of the history's columns, without the target.
        accuracies: The history.
        target: Name of the target.
        measured: Accuracies measured on the target itself.
        scores: Estimators and similarities on the target, in any unit and direction.
        history_scores: The same scores on the history's datasets, where known; a score without
            history gets a weak prior weight instead of a learned one.
        traits: Target-independent facts: ``parameters_million``, ``upstream_accuracy``, …
    """

    models: tuple[str, ...]
    candidates: Bool[ndarray, " model"]
    datasets: tuple[str, ...]
    accuracies: Float64[ndarray, "model dataset"]
    target: str
    measured: Float64[ndarray, " model"]
    scores: Mapping[str, Float64[ndarray, " model"]] = field(default_factory=dict)
    history_scores: Mapping[str, Float64[ndarray, "model dataset"]] = field(default_factory=dict)
    traits: Mapping[str, Float64[ndarray, " model"]] = field(default_factory=dict)
