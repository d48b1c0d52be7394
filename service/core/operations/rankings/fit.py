"""Whether any network is better than chance for a labeled target."""

import math
from collections import Counter
from collections.abc import Mapping

from sqlalchemy.orm import Session

from service.core.catalog.measurement import Estimator
from service.core.operations import dataset_labels
from service.core.tables import DatasetRecord, EstimateRecord

NOTHING_FITS = "nothing_fits"
TOO_FEW_TO_TELL = "too_few_to_tell"
FIT_UNKNOWN = "fit_unknown"
_LUCK = 0.00135
"""Largest probability of so many right answers by chance: that of three standard errors."""


def warnings_of(
    session: Session, *, target: DatasetRecord, estimated: Mapping[str, EstimateRecord]
) -> list[dict[str, str]]:
    """A warning if no network's linear probe is clearly better than chance, or if none could be.

    The best of many networks exceeds chance by luck, so that much is required of it. The warning is
    the same whatever estimator orders the networks: every estimator orders them, also by luck.
    """
    probes = [estimate.scores.get(Estimator.LINEAR_PROBE) for estimate in estimated.values()]
    accuracies = [accuracy for accuracy in probes if accuracy is not None]
    labels = [
        label for label in dataset_labels.labels_of(session, dataset=target) if label is not None
    ]
    if not estimated or not labels:
        return []
    chance = max(Counter(labels).values()) / len(labels)
    if chance == 1 or luck(len(labels), images=len(labels), chance=chance) > _LUCK:
        return [_too_few(len(labels), chance)]
    if not accuracies:
        return [_unknown_fit(estimated)]
    right = round(max(accuracies) * len(labels))
    if luck(right, images=len(labels), chance=chance) <= _LUCK:
        return []
    return [_nothing_fits(max(accuracies), len(labels), chance)]


def luck(right: int, *, images: int, chance: float) -> float:
    """The probability of at least so many right answers to ``images`` questions by chance."""
    return math.fsum(_exactly(count, images, chance) for count in range(right, images + 1))


def _exactly(count: int, images: int, chance: float) -> float:
    """(n over k) p^k (1 − p)^(n − k), with logarithms, since the factors leave the range of floats."""
    ways = math.lgamma(images + 1) - math.lgamma(count + 1) - math.lgamma(images - count + 1)
    return math.exp(ways + count * math.log(chance) + (images - count) * math.log1p(-chance))


def _too_few(images: int, chance: float) -> dict[str, str]:
    return {
        "code": TOO_FEW_TO_TELL,
        "detail": f"{images} labeled images are too few to tell any network from chance, which is"
        f" right for {chance:.0%} of them",
        "remedy": "add labeled images; twenty of each class suffice for most targets",
    }


def _unknown_fit(estimated: Mapping[str, EstimateRecord]) -> dict[str, str]:
    reasons = (estimate.reasons.get(Estimator.LINEAR_PROBE, {}) for estimate in estimated.values())
    details = [reason["detail"] for reason in reasons if "detail" in reason]
    why = f": {details[0]}" if details else ""
    return {
        "code": FIT_UNKNOWN,
        "detail": "nothing shows whether any network tells the classes apart, because no linear"
        f" probe has a score{why}",
        "remedy": "add labeled images; twenty of each class suffice for most targets",
    }


def _nothing_fits(best: float, images: int, chance: float) -> dict[str, str]:
    return {
        "code": NOTHING_FITS,
        "detail": f"no network tells the classes apart: the best linear probe is right for"
        f" {best:.0%} of {images} images held out, {chance:.0%} by chance",
        "remedy": "add networks that were trained on images like these, or train one from scratch",
    }
