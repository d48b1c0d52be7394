"""The equations of attribution: how much of a scalar of a feature is due to every input value.

Sources: Song et al., Deep Model Transferability from Attribution Maps, NeurIPS 2019 (below:
"maps paper"); Song et al., DEPARA, CVPR 2020 ("DEPARA").

Axes: ``probe`` one image, ``channel row column`` the network's input, ``unit`` one number of the
feature F. x̃ is the network's preprocessed input.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum

import torch
from jaxtyping import Float
from torch import Tensor

from service.core.catalog.measurement import Attribution, Target
from service.core.errors import MethodError
from workers.torchkit.attribution.features import (
    DetachedFeatureError,
    FeatureReader,
    Slope,
    UnusableFeatureError,
    as_feature,
    read_feature,
)

_UNITS = 16
_COPIES_AT_ONCE = 16


@dataclass(frozen=True)
class AttributionTarget:
    """What is differentiated: a layer's feature F, reduced by ``target``.

    Attributes:
        seed: Restarts the random numbers for every batch, so the units or the noise of a probe do
            not depend on the other probes.
        copies_at_once: Largest number of changed copies of images in one pass.
    """

    layer: str
    target: Target = Target.L2
    seed: int = 0
    copies_at_once: int = _COPIES_AT_ONCE

    def generator(self) -> torch.Generator:
        """A new random number generator, seeded with ``seed``."""
        return torch.Generator().manual_seed(self.seed)


@dataclass(frozen=True)
class Attributed:
    """Maps in the network's input frame, before mapping to the canonical frame, and features."""

    maps: Float[Tensor, "probe channel row column"]
    features: Float[Tensor, "probe unit"]


Attribute = Callable[[FeatureReader, Tensor, AttributionTarget], Attributed]


@dataclass(frozen=True)
class AttributionMethod:
    """An attribution method.

    Attributes:
        passes: Approximate number of forward-backward passes.
        copies: Images in one pass for every image of the batch.
    """

    name: Attribution
    title: str
    source: str
    attribute: Attribute
    passes: int = 1
    copies: int = 1


def scalar_target(features: Float[Tensor, "probe unit"], target: Target) -> Float[Tensor, ""]:
    """Σ over probes of φ(F): the scalar whose input gradient contains every probe's gradient."""
    return target_of_each(features, target).sum()


def target_of_each(
    features: Float[Tensor, "probe unit"], target: Target
) -> Float[Tensor, " probe"]:
    """φ(F) = ½‖F‖² or ΣF of every probe.

    Half the squared norm and the norm differ in gradient only by the factor ‖F‖ > 0 of each
    probe, which the cosine removes; the square has no pole at F = 0.

    Source: DEPARA equation 3 (‖F‖₂); maps paper section 3.2 (mean over units, here the sum).
    """
    if target is Target.SUM:
        return features.sum(dim=1)
    return 0.5 * features.square().sum(dim=1)


def input_gradient(
    reader: FeatureReader,
    inputs: Float[Tensor, "probe channel row column"],
    question: AttributionTarget,
    *,
    slope: Slope = Slope.EXACT,
) -> tuple[Float[Tensor, "probe channel row column"], Float[Tensor, "probe unit"]]:
    """∂φ/∂x̃ for all probes in one forward and one backward pass, and F.

    No gradients of weights are computed, and nothing accumulates on a shared leaf.
    """
    leaf = inputs.detach().requires_grad_(True)  # noqa: FBT003 - torch's own signature
    features = read_feature(reader, leaf, question.layer, slope=slope)
    gradient = _gradient(scalar_target(features, question.target), leaf)
    return gradient, features.detach()


@dataclass(frozen=True)
class LayerGradient:
    """∂φ_k/∂x̃ and F_k of one layer."""

    layer: str
    gradient: Float[Tensor, "probe channel row column"]
    features: Float[Tensor, "probe unit"]


@dataclass(frozen=True)
class NoGradient:
    """A layer without a gradient to the image, with the error that explains it."""

    layer: str
    problem: MethodError


def input_gradients(
    reader: FeatureReader,
    inputs: Float[Tensor, "probe channel row column"],
    layers: Sequence[str],
    *,
    target: Target = Target.L2,
    slope: Slope = Slope.EXACT,
) -> Iterator[LayerGradient | NoGradient]:
    """Gradients of every layer, last named first: one forward pass, one backward pass per layer.

    Each gradient is computed separately, so none contains part of another. With layers named in
    the order of computation, the graph shrinks from its end: each layer is released after use.

    Source: DEPARA section 3.2; its released code lets the gradients of layers add up.
    """
    leaf = inputs.detach().requires_grad_(True)  # noqa: FBT003 - torch's own signature
    values = dict(reader.read(leaf, layers, slope=slope))
    for layer in reversed(layers):
        try:
            features = as_feature(values.pop(layer), layer, len(inputs))
            gradient = _gradient(scalar_target(features, target), leaf, _AutogradGraph.RETAINED)
        except (DetachedFeatureError, UnusableFeatureError) as error:
            yield NoGradient(layer, error)
        else:
            yield LayerGradient(layer, gradient, features.detach())


def attributed_by_gradient(attribution: Attribution, inputs: Tensor, gradient: Tensor) -> Tensor:
    """The map of a one-gradient attribution: |∂φ/∂x̃| for saliency, else x̃ ⊙ ∂φ/∂x̃."""
    return gradient.abs() if attribution is Attribution.SALIENCY else inputs * gradient


class _AutogradGraph(Enum):
    """What becomes of the graph after a gradient: freed, or retained for further ones."""

    FREED = "freed"
    RETAINED = "retained"


def _gradient(
    scalar: Tensor, leaf: Tensor, graph: _AutogradGraph = _AutogradGraph.FREED
) -> Tensor:
    """∂scalar/∂leaf. Raises DetachedFeatureError if no differentiable path connects them."""
    gradient = None
    if scalar.requires_grad:
        (gradient,) = torch.autograd.grad(
            scalar, leaf, retain_graph=graph is _AutogradGraph.RETAINED, allow_unused=True
        )
    if gradient is None:
        raise DetachedFeatureError(
            "the feature does not depend on the image through differentiable steps",
            remedy="choose another feature layer",
        )
    return gradient


def without_maps(method: AttributionMethod) -> AttributionMethod:
    """A pass for features alone: the maps are constant, and nothing is differentiated."""
    return replace(method, attribute=_features_alone, passes=1, copies=1)


@torch.no_grad()
def _features_alone(
    reader: FeatureReader, inputs: Tensor, question: AttributionTarget
) -> Attributed:
    return Attributed(torch.ones_like(inputs), read_feature(reader, inputs, question.layer))


def saliency(reader: FeatureReader, inputs: Tensor, question: AttributionTarget) -> Attributed:
    """|∂φ/∂x̃|. Source: maps paper section 3.2, as its released code computes it."""
    gradient, features = input_gradient(reader, inputs, question)
    return Attributed(gradient.abs(), features)


def gradient_x_input(
    reader: FeatureReader, inputs: Tensor, question: AttributionTarget
) -> Attributed:
    """x̃ ⊙ ∂φ/∂x̃. Source: maps paper section 3.2; DEPARA equation 3."""
    gradient, features = input_gradient(reader, inputs, question)
    return Attributed(inputs * gradient, features)


def epsilon_lrp(reader: FeatureReader, inputs: Tensor, question: AttributionTarget) -> Attributed:
    """x̃ ⊙ ∂ᵍφ/∂x̃, every nonlinearity back-propagated by f(z)/(z + ε·sgn z), ε = 1e-4.

    Source: maps paper section 3.2; Ancona et al. 2018, proposition 1.
    """
    gradient, features = input_gradient(reader, inputs, question, slope=Slope.EPSILON_LRP)
    return Attributed(inputs * gradient, features)


def saliency_exact(
    reader: FeatureReader, inputs: Tensor, question: AttributionTarget
) -> Attributed:
    """Mean over units of |∂F_k/∂x̃|, over at most 16 units drawn at random without repetition.

    Unbiased for the mean over all units; exact if F has at most 16. The target is ignored: the
    paper averages the maps of single units.

    Source: maps paper section 3.2.
    """
    leaf = inputs.detach().requires_grad_(True)  # noqa: FBT003 - torch's own signature
    features = read_feature(reader, leaf, question.layer)
    units = torch.randperm(features.shape[1], generator=question.generator())[:_UNITS]
    total = torch.zeros_like(leaf)
    for unit in units.tolist():
        total += _gradient(features[:, unit].sum(), leaf, _AutogradGraph.RETAINED).abs()
    return Attributed(total / len(units), features.detach())
