"""All estimators, for features, labels and (of a classifier) class logits."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Float64, Int64
from torch import Tensor

from service.core.catalog.measurement import (
    LABEL_SCORES,
    Estimator,
    LabelEdges,
    LabelScore,
    Spectrum,
)
from service.core.counts import counted
from workers.methods.transferability_estimators.evidence import logme
from workers.methods.transferability_estimators.linear_probe import linear_probe
from workers.methods.transferability_estimators.mixture import n_leep
from workers.methods.transferability_estimators.outcome import NoScoreReason
from workers.methods.transferability_estimators.pairs import (
    balanced_sample,
    label_edges,
    parc,
    rsa,
)
from workers.methods.transferability_estimators.probes import knn, ridge_probe
from workers.methods.transferability_estimators.refusal import NoScoreError
from workers.methods.transferability_estimators.scatter import gbc, h_score, linear_cka, trans_rate
from workers.methods.transferability_estimators.source_classes import leep, nce
from workers.methods.transferability_estimators.spectrum import FeatureSpectrum, spectrum_of
from workers.torchkit.class_scores import class_probabilities, usable_scores
from workers.torchkit.protocols import Report, silent

_FEWEST_CLASSES = 2


@dataclass(frozen=True)
class EstimateSettings:
    """Folds of the linear probe, neighbors of k-NN, image limit of PARC and RSA, and the seed."""

    folds: int = 5
    neighbors: int = 5
    pair_images: int = 500
    seed: int = 0


DEFAULTS = EstimateSettings()
EVERY = LABEL_SCORES


@dataclass(frozen=True)
class Estimates:
    """Scores, reasons for missing ones, and the numbers of images and classes."""

    scores: dict[LabelScore, float | None]
    reasons: dict[LabelScore, NoScoreReason]
    images: int
    classes: int


class Evidence:
    """Features and logits of the usable images; the spectrum is computed once, on demand."""

    def __init__(
        self,
        features: Float[Tensor, "image unit"],
        labels: Int64[Tensor, " image"],
        logits: Float[Tensor, "image source"] | None,
        settings: EstimateSettings,
    ) -> None:
        usable = _usable(features, labels, logits)
        self.features = features[usable]
        self.labels = torch.unique(labels[usable], return_inverse=True)[1]
        self.classes = int(self.labels.max()) + 1 if len(self.labels) else 0
        self.settings = settings
        self._logits = None if logits is None else logits[usable]
        self._spectrum: FeatureSpectrum | None = None

    @property
    def spectrum(self) -> FeatureSpectrum:
        """Principal axes. Raises NoScoreError if the features do not vary."""
        if self._spectrum is None:
            spectrum = spectrum_of(self.features, self.labels)
            if _is_constant(spectrum):
                raise NoScoreError(
                    "the features are the same for every image", code="constant_features"
                )
            self._spectrum = spectrum
        return self._spectrum

    @property
    def logits(self) -> Float[Tensor, "image source"]:
        """Class scores: logits, or what softmax made of them. Raises NoScoreError without any."""
        if self._logits is None or self._logits.shape[1] < _FEWEST_CLASSES:
            raise NoScoreError(
                "the network is not declared a classifier of at least two classes",
                code="no_class_logits",
            )
        return self._logits

    @property
    def probabilities(self) -> Float64[Tensor, "image source"]:
        """Probabilities of the network's own classes."""
        return class_probabilities(self.logits)

    def require_two_classes(self) -> None:
        """Raises NoScoreError unless the target has two classes."""
        if self.classes < _FEWEST_CLASSES:
            raise NoScoreError(
                f"{counted(len(self.labels), 'usable labeled image')} of"
                f" {counted(self.classes, 'class')};"
                " two classes are needed",
                code="too_few_classes" if len(self.labels) else "no_labels",
            )

    def few(self) -> tuple[Float[Tensor, "chosen unit"], Int64[Tensor, " chosen"]]:
        """Features and labels of the sample on which pairwise estimators run.

        Raises NoScoreError if the features do not vary: distances would be rounding errors.
        """
        settings = self.settings
        features = self.spectrum.features
        chosen = balanced_sample(self.labels, count=settings.pair_images, seed=settings.seed)
        return features[chosen], self.labels[chosen]


def _usable(
    features: Float[Tensor, "image unit"],
    labels: Int64[Tensor, " image"],
    logits: Float[Tensor, "image source"] | None,
) -> Bool[Tensor, " image"]:
    """Images with a label, finite features and logits that give probabilities."""
    usable = (labels >= 0) & features.isfinite().all(dim=1)
    return usable if logits is None else usable & usable_scores(logits)


def _is_constant(spectrum: FeatureSpectrum) -> bool:
    """Whether the features vary less than float32 rounding of their mean."""
    spread = float(spectrum.powers.sum()) / spectrum.images
    size = float(spectrum.mean.square().sum()) + spectrum.mean_outside**2
    return spread <= torch.finfo(torch.float32).eps ** 2 * size or spread == 0


_ESTIMATORS: Mapping[LabelScore, Callable[[Evidence], float]] = {
    Estimator.LOGME: lambda evidence: logme(evidence.spectrum),
    Estimator.H_SCORE: lambda evidence: h_score(evidence.spectrum),
    Estimator.LEEP: lambda evidence: leep(evidence.probabilities, evidence.labels),
    Estimator.NCE: lambda evidence: nce(evidence.logits, evidence.labels),
    Estimator.N_LEEP: lambda evidence: n_leep(evidence.spectrum, seed=evidence.settings.seed),
    Estimator.TRANS_RATE: lambda evidence: trans_rate(evidence.spectrum),
    Estimator.PARC: lambda evidence: parc(*evidence.few()),
    Estimator.LINEAR_CKA: lambda evidence: linear_cka(evidence.spectrum),
    Estimator.RSA: lambda evidence: rsa(*evidence.few()),
    Estimator.GBC: lambda evidence: gbc(evidence.spectrum),
    Estimator.KNN: lambda evidence: knn(evidence.spectrum, neighbors=evidence.settings.neighbors),
    Estimator.RIDGE_PROBE: lambda evidence: ridge_probe(evidence.spectrum),
    Estimator.LINEAR_PROBE: lambda evidence: linear_probe(
        evidence.spectrum, folds=evidence.settings.folds, seed=evidence.settings.seed
    ),
    LabelEdges.NATURAL: lambda evidence: label_edges(*evidence.few(), spectrum=Spectrum.NATURAL),
    LabelEdges.FLATTENED: lambda evidence: label_edges(
        *evidence.few(), spectrum=Spectrum.FLATTENED
    ),
}


def estimates(
    features: Float[Tensor, "image unit"],
    labels: Int64[Tensor, " image"],
    logits: Float[Tensor, "image source"] | None = None,
    *,
    settings: EstimateSettings = DEFAULTS,
    estimators: tuple[LabelScore, ...] = EVERY,
    report: Report = silent,
) -> Estimates:
    """The score of every requested estimator, or the reason why it has none; never NaN.

    Args:
        features: One row per image.
        labels: Any class numbers; negative for unlabeled images.
        logits: Logits of the network's own classes, or their softmax or log-softmax; None if it is
            not a classifier.
    """
    evidence = Evidence(features, labels, logits, settings)
    scores: dict[LabelScore, float | None] = {}
    reasons: dict[LabelScore, NoScoreReason] = {}
    for step, estimator in enumerate(estimators):
        report(step, len(estimators), estimator)
        try:
            scores[estimator] = estimated(evidence, estimator)
        except NoScoreError as error:
            scores[estimator] = None
            reasons[estimator] = NoScoreReason(error.code, error.detail)
    return Estimates(scores, reasons, len(evidence.labels), evidence.classes)


def estimated(evidence: Evidence, estimator: LabelScore) -> float:
    """The score of one estimator. Raises NoScoreError if it is undefined."""
    evidence.require_two_classes()
    score = _ESTIMATORS[estimator](evidence)
    if not math.isfinite(score):
        raise NoScoreError("the score overflows float64 for these features", code="not_finite")
    return score
