"""Inputs and result of the method."""

from dataclasses import dataclass

from jaxtyping import Int64, UInt8
from torch import Tensor

from service.core.catalog.measurement import LabelScore
from workers.torchkit.attribution.canonical import Preprocessing
from workers.torchkit.attribution.features import FeatureReader


@dataclass(frozen=True)
class TransferabilityEstimatorsData:
    """One network and one labeled target.

    Attributes:
        logits_layer: Layer with one number per source class ("output" for a classifier); None if
            the network is not a classifier.
        images: Canonical frames.
        labels: Index of each image's class in ``classes``; negative for unlabeled images.
        limit_bytes: What the weights and values of a pass may take; None if nothing limits them.
    """

    network: FeatureReader
    preprocessing: Preprocessing
    logits_layer: str | None
    images: UInt8[Tensor, "image side side 3"]
    labels: Int64[Tensor, " image"]
    classes: tuple[str, ...]
    limit_bytes: int | None = None


@dataclass(frozen=True)
class NoScoreReason:
    """Why an estimator has no score: a stable code and an explanation."""

    code: str
    detail: str


@dataclass(frozen=True)
class EstimatorTiming:
    """Seconds spent in the network, and in all estimators together."""

    network: float
    estimators: float


@dataclass(frozen=True)
class TransferabilityEstimatorsResult:
    """The score of every estimator, or the reason why it has none.

    Attributes:
        scores: One entry per label score; None if it has no score.
        reasons: One entry per None in ``scores``.
        images: Number of images with a label and finite features.
        classes: Number of classes among these images.
        units: Numbers per feature.
    """

    scores: dict[LabelScore, float | None]
    reasons: dict[LabelScore, NoScoreReason]
    images: int
    classes: int
    units: int
    timing: EstimatorTiming
