"""What the room takes and hands back."""

from dataclasses import dataclass

from jaxtyping import Int64, UInt8
from torch import Tensor

from service.core.catalogue.measurement import Estimator
from workers.torchkit.canonical import Preprocessing
from workers.torchkit.features import FeatureReader


@dataclass(frozen=True)
class Inputs:
    """One network and one labeled target.

    Attributes:
        logits_layer: Layer that gives one number for each source class ("output" for a
            classifier); None when the network is not a classifier.
        images: Canonical frames.
        labels: Position of each image's class in ``classes``; negative where it has none.
    """

    network: FeatureReader
    preprocessing: Preprocessing
    logits_layer: str | None
    images: UInt8[Tensor, "image side side 3"]
    labels: Int64[Tensor, " image"]
    classes: tuple[str, ...]


@dataclass(frozen=True)
class Reason:
    """Why an estimator gives no score: a stable code, and words."""

    code: str
    detail: str


@dataclass(frozen=True)
class Timing:
    """Seconds in the network, and in all estimators together."""

    network: float
    estimators: float


@dataclass(frozen=True)
class Result:
    """Every estimator's score, or why it has none.

    Attributes:
        scores: One entry for each ``Estimator``; None where there is none.
        reasons: One entry for each None in ``scores``.
        images: Images that had a label and finite features.
        classes: Classes that occur among them.
        units: Numbers in one feature.
    """

    scores: dict[Estimator, float | None]
    reasons: dict[Estimator, Reason]
    images: int
    classes: int
    units: int
    timing: Timing
