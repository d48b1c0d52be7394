"""Small classifiers on frozen features, each evaluated on images it was not trained on.

Axes as in ``spectrum``; ``fold`` one part of the images.
"""

import torch
from jaxtyping import Float32, Int64
from torch import Tensor
from torch.nn import functional

from workers.methods.transferability_estimators.neighbors import nearest
from workers.methods.transferability_estimators.refusal import NoScoreError
from workers.methods.transferability_estimators.spectrum import FeatureSpectrum

_SCALES = tuple(10.0**power for power in range(-4, 3))


def require_two_of_a_class(spectrum: FeatureSpectrum) -> None:
    """Raises NoScoreError if no class has two images, so that none can be held out."""
    if float(spectrum.counts.max()) < 2:  # noqa: PLR2004
        raise NoScoreError("every class has only one image", code="one_image_per_class")


def knn(spectrum: FeatureSpectrum, *, neighbors: int) -> float:
    """Leave-one-out accuracy of the majority among the nearest by cosine.

    A tie goes to the class whose member is nearest.

    Source: Cover and Hart, Nearest Neighbor Pattern Classification, 1967.
    """
    require_two_of_a_class(spectrum)
    count = min(neighbors, spectrum.images - 1)
    rows = functional.normalize(spectrum.features, dim=1)
    votes = spectrum.labels[nearest(rows, count=count)]
    return float((_majority(votes) == spectrum.labels).double().mean())


def _majority(votes: Int64[Tensor, "image near"]) -> Int64[Tensor, " image"]:
    """The most common class of every row; ties go to the earliest."""
    agreeing = (votes.unsqueeze(1) == votes.unsqueeze(2)).sum(dim=2)
    # argmax may return any of several maxima, so the position breaks ties.
    order = agreeing * votes.shape[1] - torch.arange(votes.shape[1], device=votes.device)
    return votes.gather(1, order.argmax(dim=1, keepdim=True)).squeeze(1)


def ridge_probe(spectrum: FeatureSpectrum) -> float:
    """Leave-one-out accuracy of ridge regression to one-hot labels, in closed form.

    ŷ₋ᵢ = (ŷᵢ − hᵢ yᵢ) / (1 − hᵢ). The penalty is the one of seven, 10⁻⁴ … 10² times the mean
    power of an axis, with the least squared leave-one-out error.

    Source: Allen, 1974 (PRESS); Rifkin and Lippert, Notes on Regularized Least Squares, 2007.
    """
    require_two_of_a_class(spectrum)
    penalties = float(spectrum.powers.mean()) * spectrum.powers.new_tensor(_SCALES)
    squares = spectrum.coordinates.square()
    leverages = squares @ (1 / (spectrum.powers.unsqueeze(1) + penalties)).float()
    predictions = [
        left_out(spectrum, leverage, penalty=float(penalty))
        for leverage, penalty in zip(leverages.unbind(1), penalties, strict=True)
    ]
    best_prediction = min(
        predictions, key=lambda prediction: squared_error(prediction, spectrum.labels)
    )
    return float((best_prediction.argmax(dim=1) == spectrum.labels).double().mean())


def squared_error(
    predictions: Float32[Tensor, "image label"], labels: Int64[Tensor, " image"]
) -> float:
    """Σ (prediction − one-hot label)², in float64."""
    of_true_label = predictions.gather(1, labels.unsqueeze(1))
    squared_norm = torch.linalg.vector_norm(predictions, dtype=torch.float64) ** 2
    return float(squared_norm - 2 * of_true_label.sum(dtype=torch.float64)) + len(labels)


def left_out(
    spectrum: FeatureSpectrum, slopes: Float32[Tensor, " image"], *, penalty: float
) -> Float32[Tensor, "image label"]:
    """Leave-one-out predictions of ridge regression with an intercept.

    ``slopes`` is each image's leverage without the intercept's part, Σ z² / (power + penalty).
    """
    gains = 1 / (spectrum.powers + penalty)
    leverage = slopes + 1 / spectrum.images
    weights = (spectrum.label_sums * gains).float()
    predictions = torch.addmm(
        (spectrum.counts / spectrum.images).float(), spectrum.coordinates, weights.T
    )
    remainder = (1 - leverage).clamp_min(1e-6).unsqueeze(1)
    predictions[torch.arange(spectrum.images), spectrum.labels] -= leverage
    return predictions / remainder
