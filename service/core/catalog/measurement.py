"""Choices shared by the cards that look at a network through images."""

from enum import StrEnum


class Attribution(StrEnum):
    """How much each input pixel contributes to the scalar that is differentiated.

    The first four are computed by Zooscope itself, the rest by captum.
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
    """The scalar of a feature F that is differentiated: half the squared norm, or the sum."""

    L2 = "l2"
    SUM = "sum"


class Channel(StrEnum):
    """What becomes of the colour planes of a map."""

    MEAN = "mean"
    ABSMEAN = "absmean"
    KEEP = "keep"


class Centering(StrEnum):
    """Whether features lose their mean over the probes before edges are drawn."""

    CENTERED = "centered"
    RAW = "raw"


class Spectrum(StrEnum):
    """Whether directions in which a feature varies much outweigh the others in the edges.

    ``flattened``: the eigenvalues of the features' inner products are taken to the power ¼.
    """

    NATURAL = "natural"
    FLATTENED = "flattened"


class RankVariant(StrEnum):
    """How tied edges are ranked: by their middle rank, or in the order of a stable sort."""

    MIDRANK = "midrank"
    ORDINAL = "ordinal"


class Precision(StrEnum):
    """Number format of the pass: the fastest whose maps keep a cosine above 0.999, or float32."""

    FASTEST_FAITHFUL = "fastest_faithful"
    FLOAT32 = "float32"


class Metric(StrEnum):
    """What a ranking is ordered by when networks are compared with a target network."""

    ATTRIBUTION = "attribution"
    DEPARA = "depara"
    DEPARA_PLUS = "depara_plus"


class Estimator(StrEnum):
    """What labels of a target say about a network's features or class logits; more is better."""

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
