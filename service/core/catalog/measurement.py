"""Choices shared by the methods that measure a network on images."""

from collections.abc import Mapping
from enum import StrEnum


class Attribution(StrEnum):
    """Contribution of each input pixel to the scalar that is differentiated.

    Zooscope computes the first four itself and uses captum for the rest.
    """

    SALIENCY = "saliency"
    GRADIENT_X_INPUT = "gxi"
    EPSILON_LRP = "elrp"
    SALIENCY_EXACT = "saliency_exact"
    INTEGRATED_GRADIENTS = "integrated_gradients"
    DEEP_LIFT = "deep_lift"
    GRAD_CAM = "grad_cam"
    OCCLUSION = "occlusion"
    SMOOTH_GRAD = "smooth_grad"

    @property
    def full_name(self) -> str:
        """The name that readers of a picture know."""
        return _FULL_NAMES[self]


_FULL_NAMES: Mapping[Attribution, str] = {
    Attribution.SALIENCY: "saliency",
    Attribution.GRADIENT_X_INPUT: "gradient × input",
    Attribution.EPSILON_LRP: "ε-LRP",
    Attribution.SALIENCY_EXACT: "exact saliency",
    Attribution.INTEGRATED_GRADIENTS: "integrated gradients",
    Attribution.DEEP_LIFT: "DeepLIFT",
    Attribution.GRAD_CAM: "Grad-CAM",
    Attribution.OCCLUSION: "occlusion",
    Attribution.SMOOTH_GRAD: "SmoothGrad",
}


class Target(StrEnum):
    """Scalar of a feature F that is differentiated: half the squared norm, or the sum."""

    L2 = "l2"
    SUM = "sum"


class Channel(StrEnum):
    """Reduction of the color channels of a map: mean, mean of absolute values, or none."""

    MEAN = "mean"
    ABSMEAN = "absmean"
    KEEP = "keep"


class Centering(StrEnum):
    """Whether the mean over the probes is subtracted from features before edges are computed."""

    CENTERED = "centered"
    RAW = "raw"


class Spectrum(StrEnum):
    """Weight of high-variance feature directions in the edges.

    ``natural`` keeps the eigenvalues of the features' inner products; ``flattened`` raises them to
    the power ¼.
    """

    NATURAL = "natural"
    FLATTENED = "flattened"


class Nodes(StrEnum):
    """Description of one probe by a network.

    ``maps``: the attribution map. The others relate the probe to all probes, by its row of a matrix:
    ``rsa`` of ranked Pearson correlations, ``dds`` of cosines of z-scored features, ``linear_cka``
    of inner products of centered features.
    """

    MAPS = "maps"
    RSA = "rsa"
    DDS = "dds"
    LINEAR_CKA = "linear_cka"


class RankVariant(StrEnum):
    """Ranks of tied edges: their mean rank, or the order of a stable sort."""

    MIDRANK = "midrank"
    ORDINAL = "ordinal"


class Precision(StrEnum):
    """Number format of the pass: the fastest with map cosines above 0.999, or float32."""

    FASTEST_FAITHFUL = "fastest_faithful"
    FLOAT32 = "float32"


class Metric(StrEnum):
    """Score that orders a ranking if networks are compared with a target network."""

    ATTRIBUTION = "attribution"
    DEPARA = "depara"
    DEPARA_PLUS = "depara_plus"
    RSA = "rsa"
    DDS = "dds"
    LINEAR_CKA = "linear_cka"


class Estimator(StrEnum):
    """Transferability score from labels and features or logits; higher is better."""

    LOGME = "logme"
    H_SCORE = "h_score"
    LEEP = "leep"
    NCE = "nce"
    N_LEEP = "n_leep"
    TRANS_RATE = "trans_rate"
    PARC = "parc"
    LINEAR_CKA = "linear_cka"
    RSA = "rsa"
    GBC = "gbc"
    KNN = "knn"
    RIDGE_PROBE = "ridge_probe"
    LINEAR_PROBE = "linear_probe"


class LabelEdges(StrEnum):
    """Agreement of a network's edges, by their spectrum, with labels as the ideal graph.

    It orders ``depara`` and ``depara_plus`` if the target is a labeled dataset.
    """

    NATURAL = "label_edges"
    FLATTENED = "label_edges_flattened"


LabelScore = Estimator | LabelEdges
LABEL_SCORES: tuple[LabelScore, ...] = (*Estimator, *LabelEdges)
LABEL_SCORE_OF: Mapping[str, LabelScore] = {
    Metric.DEPARA: LabelEdges.NATURAL,
    Metric.DEPARA_PLUS: LabelEdges.FLATTENED,
    Metric.RSA: Estimator.RSA,
    Metric.LINEAR_CKA: Estimator.LINEAR_CKA,
}
"""What orders a metric that compares networks if labels replace the target network."""
AUTO = "auto"
"""Stands for the metric that suits what is known of the target."""
LABELS = "labels"
"""The mean of several estimators, standardized."""
FUSED = "fused"
LABELS_AND_HISTORY = "labels_and_history"
"""The mean of ``labels`` and ``fused``, standardized."""
POSTERIORS = (FUSED, LABELS_AND_HISTORY)
LIKENESS = Metric.DEPARA_PLUS
"""What compares candidates with a target network."""
_LIKENESSES = frozenset(metric.value for metric in Metric)
RANKING_METRICS: tuple[str, ...] = (
    AUTO,
    *Metric,
    LABELS,
    *(estimator for estimator in Estimator if estimator.value not in _LIKENESSES),
    FUSED,
    LABELS_AND_HISTORY,
)
