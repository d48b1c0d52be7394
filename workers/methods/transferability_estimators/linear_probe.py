"""The expensive reference: logistic regression on frozen features, by cross-validation.

Axes as in ``spectrum``; ``weight`` an axis or the intercept, ``fold`` one part of the images.
"""

import torch
from jaxtyping import Float32, Int64
from torch import Tensor
from torch.nn import functional

from workers.methods.transferability_estimators.pairs import rank_within_class
from workers.methods.transferability_estimators.probes import require_two_of_a_class
from workers.methods.transferability_estimators.spectrum import FeatureSpectrum

_STEPS = 25
_SETTLED = 1e-4


def linear_probe(spectrum: FeatureSpectrum, *, folds: int, seed: int) -> float:
    """Cross-validated accuracy: every image is judged by the model trained on the other folds.

    Folds are drawn class by class. Training minimizes the mean cross-entropy plus
    ‖W‖² / (2 n), features centered and scaled to a mean variance of 1 per unit.
    """
    require_two_of_a_class(spectrum)
    fold = rank_within_class(spectrum.labels, seed=seed) % folds
    design, scales = _preconditioned(spectrum)
    held_out_logits = _held_out_logits(design, scales, spectrum.labels, fold)
    return float((held_out_logits.argmax(dim=1) == spectrum.labels).double().mean())


def _preconditioned(
    spectrum: FeatureSpectrum,
) -> tuple[Float32[Tensor, "image weight"], Float32[Tensor, " weight"]]:
    """Design (coordinates and ones) divided by the root of its curvature, and the penalties.

    At equal odds the loss's Hessian is ZᵀZ / (n K) and diagonal in principal axes: with these
    columns it is nearly the identity, so the first L-BFGS step is nearly a Newton step.
    """
    images, classes = spectrum.images, len(spectrum.counts)
    variances = spectrum.powers / images * (spectrum.units / spectrum.powers.sum() * images)
    penalty = 1 / images
    curvature = torch.cat([variances / classes + penalty, variances.new_ones(1) / classes])
    scale = (spectrum.units * images / spectrum.powers.sum()).sqrt().float()
    columns = [spectrum.coordinates * scale, spectrum.coordinates.new_ones(images, 1)]
    design = torch.cat(columns, dim=1) / curvature.sqrt().float()
    free_intercept = torch.cat(
        [variances.new_full((len(variances),), penalty), variances.new_zeros(1)]
    )
    return design, (free_intercept / curvature).float()


def _held_out_logits(
    design: Float32[Tensor, "image weight"],
    penalties: Float32[Tensor, " weight"],
    labels: Int64[Tensor, " image"],
    fold: Int64[Tensor, " image"],
) -> Float32[Tensor, "image label"]:
    """Logits of every image from the model that did not train on it; all models train at once."""
    folds, classes = int(fold.max()) + 1, int(labels.max()) + 1
    is_training = torch.stack([fold != held_out for held_out in range(folds)], dim=1)
    shares = is_training.float() / is_training.sum(dim=0)
    # (weight, fold · label): the models share one product with the design and are independent.
    weights = design.new_zeros(design.shape[1], folds * classes, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [weights],
        max_iter=_STEPS,
        tolerance_grad=0,
        tolerance_change=_SETTLED,
        line_search_fn="strong_wolfe",
    )

    def loss() -> Tensor:
        optimizer.zero_grad()
        logits = (design @ weights).reshape(len(design), folds, classes)
        repeated = labels.unsqueeze(1).expand(-1, folds)
        losses = functional.cross_entropy(
            logits.flatten(0, 1), repeated.flatten(), reduction="none"
        )
        total = (losses.reshape(-1, folds) * shares).sum()
        total = total + 0.5 * (penalties.unsqueeze(1) * weights.square()).sum()
        torch.autograd.backward(total)
        return total

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        logits = (design @ weights).reshape(len(design), folds, classes)
    return logits[torch.arange(len(design)), fold]
