"""Choices shared by the methods that measure a network on images."""

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


FUSED = "fused"
RANKING_METRICS: tuple[str, ...] = (*Metric, *Estimator, FUSED)
