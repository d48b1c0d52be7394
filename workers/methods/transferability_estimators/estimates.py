"""All estimators for features, labels and, where there are any, class logits."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Float64, Int64
from torch import Tensor

from service.core.catalogue.measurement import Estimator
from workers.contract import Report, silent
from workers.methods.transferability_estimators.evidence import logme
from workers.methods.transferability_estimators.linear_probe import linear_probe
from workers.methods.transferability_estimators.mixture import n_leep
from workers.methods.transferability_estimators.outcome import Reason
from workers.methods.transferability_estimators.pairs import balanced_sample, parc, rsa
from workers.methods.transferability_estimators.probes import knn, ridge_probe
from workers.methods.transferability_estimators.refusal import NoScoreError
from workers.methods.transferability_estimators.scatter import gbc, h_score, linear_cka, trans_rate
from workers.methods.transferability_estimators.source_classes import leep, nce
from workers.methods.transferability_estimators.spectrum import Spectrum, spectrum_of

_FEWEST = 2


@dataclass(frozen=True)
class Settings:
    """Folds of the linear probe, voters of k-NN, most images of PARC and RSA, and the seed."""

    folds: int = 5
    neighbors: int = 5
    pair_images: int = 500
    seed: int = 0


DEFAULTS = Settings()
EVERY = tuple(Estimator)


@dataclass(frozen=True)
class Estimates:
    """Scores, reasons where there are none, and what they were computed from."""

    scores: dict[Estimator, float | None]
    reasons: dict[Estimator, Reason]
    images: int
    classes: int


class Evidence:
    """Usable images of one target as a network sees them; the spectrum is found once, when asked."""

    def __init__(
        self,
        features: Float[Tensor, "image unit"],
        labels: Int64[Tensor, " image"],
        logits: Float[Tensor, "image source"] | None,
        settings: Settings,
    ) -> None:
        usable = _usable(features, labels, logits)
        self.features = features[usable]
        self.labels = torch.unique(labels[usable], return_inverse=True)[1]
        self.classes = int(self.labels.max()) + 1 if len(self.labels) else 0
        self.settings = settings
        self._logits = None if logits is None else logits[usable]
        self._spectrum: Spectrum | None = None

    @property
    def spectrum(self) -> Spectrum:
        """Principal axes. Raises NoScoreError when the features do not vary."""
        if self._spectrum is None:
            found = spectrum_of(self.features, self.labels)
            if _is_constant(found):
                raise NoScoreError(
                    "the features are the same for every image", code="constant_features"
                )
            self._spectrum = found
        return self._spectrum

    @property
    def logits(self) -> Float[Tensor, "image source"]:
        """Class logits. Raises NoScoreError when the network has none."""
        if self._logits is None or self._logits.shape[1] < _FEWEST:
            raise NoScoreError(
                "the network is not declared a classifier of at least two classes",
                code="no_class_logits",
            )
        return self._logits

    @property
    def probabilities(self) -> Float64[Tensor, "image source"]:
        """Softmax of the logits."""
        return self.logits.double().softmax(dim=1)

    def require_two_classes(self) -> None:
        """Raises NoScoreError when there is nothing to tell apart."""
        if self.classes < _FEWEST:
            raise NoScoreError(
                f"{len(self.labels)} usable labeled images of {self.classes} classes;"
                " two classes are needed",
                code="too_few_classes" if len(self.labels) else "no_labels",
            )

    def few(self) -> tuple[Float[Tensor, "chosen unit"], Int64[Tensor, " chosen"]]:
        """Features and labels of the images that estimators of pairs look at."""
        settings = self.settings
        chosen = balanced_sample(self.labels, count=settings.pair_images, seed=settings.seed)
        return self.features[chosen], self.labels[chosen]


def _usable(
    features: Float[Tensor, "image unit"],
    labels: Int64[Tensor, " image"],
    logits: Float[Tensor, "image source"] | None,
) -> Bool[Tensor, " image"]:
    """Images with a label whose features and logits are finite."""
    usable = (labels >= 0) & features.isfinite().all(dim=1)
    return usable if logits is None else usable & logits.isfinite().all(dim=1)


def _is_constant(spectrum: Spectrum) -> bool:
    """Whether nothing varies beyond what float32 loses beside the mean."""
    spread = float(spectrum.powers.sum()) / spectrum.images
    size = float(spectrum.mean.square().sum()) + spectrum.mean_outside**2
    return spread <= torch.finfo(torch.float32).eps ** 2 * size or spread == 0


_ESTIMATORS: Mapping[Estimator, Callable[[Evidence], float]] = {
    Estimator.LOGME: lambda seen: logme(seen.spectrum),
    Estimator.H_SCORE: lambda seen: h_score(seen.spectrum),
    Estimator.LEEP: lambda seen: leep(seen.probabilities, seen.labels),
    Estimator.NCE: lambda seen: nce(seen.logits, seen.labels),
    Estimator.N_LEEP: lambda seen: n_leep(seen.spectrum, seed=seen.settings.seed),
    Estimator.TRANS_RATE: lambda seen: trans_rate(seen.spectrum),
    Estimator.PARC: lambda seen: parc(*seen.few()),
    Estimator.LINEAR_CKA: lambda seen: linear_cka(seen.spectrum),
    Estimator.RSA: lambda seen: rsa(*seen.few()),
    Estimator.GBC: lambda seen: gbc(seen.spectrum),
    Estimator.KNN: lambda seen: knn(seen.spectrum, neighbors=seen.settings.neighbors),
    Estimator.RIDGE_PROBE: lambda seen: ridge_probe(seen.spectrum),
    Estimator.LINEAR_PROBE: lambda seen: linear_probe(
        seen.spectrum, folds=seen.settings.folds, seed=seen.settings.seed
    ),
}


def estimates(
    features: Float[Tensor, "image unit"],
    labels: Int64[Tensor, " image"],
    logits: Float[Tensor, "image source"] | None = None,
    *,
    settings: Settings = DEFAULTS,
    wanted: tuple[Estimator, ...] = EVERY,
    report: Report = silent,
) -> Estimates:
    """Every wanted estimator's score, or the reason why it has none; never NaN.

    Args:
        features: One row per image.
        labels: Any class numbers; negative where there is none.
        logits: Of the network's own classes; None when it is no classifier.
    """
    seen = Evidence(features, labels, logits, settings)
    scores: dict[Estimator, float | None] = {}
    reasons: dict[Estimator, Reason] = {}
    for step, estimator in enumerate(wanted):
        report(step, len(wanted), estimator)
        try:
            scores[estimator] = estimated(seen, estimator)
        except NoScoreError as error:
            scores[estimator] = None
            reasons[estimator] = Reason(error.code, error.detail)
    return Estimates(scores, reasons, len(seen.labels), seen.classes)


def estimated(seen: Evidence, estimator: Estimator) -> float:
    """One score. Raises NoScoreError when there is none."""
    seen.require_two_classes()
    score = _ESTIMATORS[estimator](seen)
    if not math.isfinite(score):
        raise NoScoreError("the numbers of these features leave float64", code="not_finite")
    return score
