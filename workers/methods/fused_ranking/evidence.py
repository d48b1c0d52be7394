"""What is known before a ranking is made."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from jaxtyping import Bool, Float64
from numpy import ndarray


@dataclass(frozen=True)
class Inputs:
    """Evidence about one target; every NaN means "not known".

    Accuracies are shares (0 to 1) or points (0 to 100), the same for all; higher is better. If no
    accuracy exceeds 1 they are taken for shares.

    Attributes:
        models: Names, one for each row; models that are no candidates still teach.
        candidates: Which rows are to be ranked.
        datasets: Names of the history's columns; the target is not among them.
        accuracies: The history.
        target: Name of the target.
        measured: Accuracies measured on the target itself.
        scores: Estimators and similarities on the target, whatever their unit and direction.
        history_scores: The same on the history's datasets, where known; a name that is missing
            here gets a weak weight instead of a learned one.
        traits: Facts that hold for all targets: ``parameters_million``, ``upstream_accuracy``, …
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
