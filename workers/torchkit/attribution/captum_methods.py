"""The table of attribution methods, for heat maps and for measurements.

Four methods are implemented in ``gradients`` and need one pass. The others call captum through a
scalar function of the image. captum hooks Grad-CAM and DeepLIFT onto modules, and a Program has
none, so both are implemented here on the reader; the tests compare them with captum.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from service.core.catalog.measurement import Attribution, Target
from workers.programs.machine_faults import raise_machine_fault
from workers.torchkit.attribution.canonical import resize
from workers.torchkit.attribution.features import (
    AttributionNotPossibleError,
    FeatureReader,
    Slope,
    read_feature,
)
from workers.torchkit.attribution.gradients import (
    Attributed,
    AttributionMethod,
    AttributionTarget,
    epsilon_lrp,
    gradient_x_input,
    saliency,
    saliency_exact,
    target_of_each,
)
from workers.torchkit.attribution.slopes import SlopeMode, deep_lift_rescale

_STEPS = 32
_NOISE_SAMPLES = 16
_NOISE_SHARE = 0.15
_WINDOWS_PER_SIDE = 6
_PERTURBATIONS_AT_ONCE = 4
_SPATIAL_CANDIDATES = 8
_SPATIAL_AXES = 3


def integrated_gradients(
    reader: FeatureReader, inputs: Tensor, question: AttributionTarget
) -> Attributed:
    """(x̃ - 0) ⊙ ∫ ∂φ/∂x̃ along the straight line from 0, 32 Gauss-Legendre steps.

    Source: Sundararajan et al. 2017, arXiv:1703.01365; captum's implementation.
    """
    from captum.attr import IntegratedGradients

    captum = IntegratedGradients(_scalar_function(reader, question))
    with _possible(Attribution.INTEGRATED_GRADIENTS):
        maps = captum.attribute(
            inputs, n_steps=_STEPS, internal_batch_size=max(len(inputs), question.copies_at_once)
        )
    return Attributed(maps.to(inputs.dtype), _features(reader, inputs, question))


def occlusion(reader: FeatureReader, inputs: Tensor, question: AttributionTarget) -> Attributed:
    """Drop in φ when a square of a sixth of the side, moved by half its size, is set to 0.

    Source: Zeiler and Fergus 2014, arXiv:1311.2901; captum's implementation.
    """
    from captum.attr import Occlusion

    channels, rows, columns = inputs.shape[1:]
    window = (channels, max(1, rows // _WINDOWS_PER_SIDE), max(1, columns // _WINDOWS_PER_SIDE))
    step = (channels, max(1, window[1] // 2), max(1, window[2] // 2))
    captum = Occlusion(_scalar_function(reader, question))
    with _possible(Attribution.OCCLUSION), torch.no_grad():
        maps = captum.attribute(
            inputs, window, strides=step, perturbations_per_eval=_PERTURBATIONS_AT_ONCE
        )
    return Attributed(maps, _features(reader, inputs, question))


def smooth_grad(reader: FeatureReader, inputs: Tensor, question: AttributionTarget) -> Attributed:
    """Mean of |∂φ/∂x̃| over 16 noisy copies, noise of 15 % of each image's range.

    Each image is processed alone, with the same noise, so its map does not depend on the batch.
    The random state of the process is restored.

    Source: Smilkov et al. 2017, arXiv:1706.03825; captum's NoiseTunnel around Saliency.
    """
    from captum.attr import NoiseTunnel, Saliency

    captum = NoiseTunnel(Saliency(_scalar_function(reader, question)))
    at_once = question.copies_at_once
    maps = []
    with _possible(Attribution.SMOOTH_GRAD), torch.random.fork_rng(devices=_cuda_of(inputs)):
        for image in inputs.unsqueeze(1):
            torch.manual_seed(question.seed)
            spread = float(image.max() - image.min()) * _NOISE_SHARE
            leaf = image.detach().requires_grad_()
            attributions = captum.attribute(
                leaf,
                nt_samples=_NOISE_SAMPLES,
                nt_samples_batch_size=at_once if at_once < _NOISE_SAMPLES else None,
                stdevs=spread,
                abs=True,
            )
            maps.append(attributions.detach())
    return Attributed(torch.cat(maps), _features(reader, inputs, question))


def deep_lift(reader: FeatureReader, inputs: Tensor, question: AttributionTarget) -> Attributed:
    """(x̃ - 0) ⊙ multipliers of the rescale rule, baseline 0; Σ is φ(x̃) - φ(0) in ReLU nets.

    Every elementwise nonlinearity follows the chord between image and baseline; pooling by
    maximum, products and softmax keep their derivative. φ itself is a chord too:
    (½F² - ½F₀²)/(F - F₀) = ½(F + F₀) per unit.

    Raises:
        AttributionNotPossibleError: The graph has a fixed batch size, so image and baseline
            cannot share a batch.

    Source: Shrikumar et al. 2017, arXiv:1704.02685, section 3.5.1.
    """
    if getattr(reader, "batch", None) is not None:
        raise AttributionNotPossibleError(
            "deep_lift needs image and baseline in one batch; this graph's batch size is fixed",
            remedy="export the network with a dynamic batch size, or choose gxi or elrp",
        )
    leaf = inputs.detach().requires_grad_()
    with SlopeMode(deep_lift_rescale):
        both = read_feature(reader, torch.cat([leaf, torch.zeros_like(leaf)]), question.layer)
    features, baseline = both.chunk(2)
    slopes = _target_chord(features.detach(), baseline.detach(), question.target)
    with _possible(Attribution.DEEP_LIFT):
        (multipliers,) = torch.autograd.grad((features * slopes).sum(), leaf)
    return Attributed(inputs * multipliers, features.detach())


def _target_chord(
    features: Float[Tensor, "probe unit"], baseline: Float[Tensor, "probe unit"], target: Target
) -> Float[Tensor, "probe unit"]:
    """(φ(F) - φ(F₀))/(F - F₀), unit by unit."""
    return torch.ones_like(features) if target is Target.SUM else 0.5 * (features + baseline)


def grad_cam(reader: FeatureReader, inputs: Tensor, question: AttributionTarget) -> Attributed:
    """ReLU(Σ_c w_c A_c), w_c the spatial mean of ∂φ/∂A_c, A the last spatial layer before F.

    Resized bilinearly to the input's size; one plane.

    Raises:
        AttributionNotPossibleError: No spatial layer lies between the image and F.

    Source: Selvaraju et al. 2017, arXiv:1610.02391, equations 1 and 2.
    """
    layers = _spatial_layers(reader, question.layer)
    outputs = reader.read(
        inputs.detach().requires_grad_(), [*layers, question.layer], slope=Slope.EXACT
    )
    features = outputs[question.layer].flatten(1).to(torch.float32)
    scalar = target_of_each(features, question.target).sum()
    gradients: tuple[Tensor | None, ...] = torch.autograd.grad(
        scalar, [outputs[layer] for layer in layers], allow_unused=True
    )
    for name, gradient in zip(layers, gradients, strict=True):
        if gradient is not None:
            plane = class_activation(outputs[name].detach(), gradient)
            return Attributed(resize(plane.float(), _size(inputs)), features.detach())
    raise _no_spatial_layer()


def class_activation(
    activation: Float[Tensor, "probe channel row column"],
    gradient: Float[Tensor, "probe channel row column"],
) -> Float[Tensor, "probe 1 row column"]:
    """ReLU of Grad-CAM's weighted sum of planes."""
    if _channels_stand_last(tuple(activation.shape[1:])):
        activation, gradient = activation.movedim(-1, 1), gradient.movedim(-1, 1)
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    return (weights * activation).sum(dim=1, keepdim=True).relu()


def _channels_stand_last(shape: tuple[int, ...]) -> bool:
    """Whether the shape is (side, side, channel) rather than (channel, side, side)."""
    return shape[0] == shape[1] != shape[2]


def _spatial_layers(reader: FeatureReader, feature_layer: str) -> list[str]:
    """The last layers up to F whose output still has rows and columns, latest first."""
    names = [layer.name for layer in reader.layers]
    end = names.index(feature_layer) + 1 if feature_layer in names else len(names)
    spatial = [
        layer.name
        for layer in reader.layers[:end]
        if len(layer.shape) == _SPATIAL_AXES and sorted(layer.shape)[1] > 1
    ]
    if not spatial:
        raise _no_spatial_layer()
    return spatial[: -_SPATIAL_CANDIDATES - 1 : -1]


def _no_spatial_layer() -> AttributionNotPossibleError:
    return AttributionNotPossibleError(
        "grad_cam needs a layer with rows and columns between the image and the feature",
        remedy="choose gxi, saliency or occlusion, which look at the image alone",
    )


def _size(inputs: Tensor) -> tuple[int, int]:
    return inputs.shape[2], inputs.shape[3]


def _scalar_function(
    reader: FeatureReader, question: AttributionTarget
) -> Callable[[Tensor], Float[Tensor, " probe"]]:
    """φ(F(x̃)), one number per image: the function that captum differentiates or perturbs."""

    def scalar(inputs: Tensor) -> Tensor:
        return target_of_each(read_feature(reader, inputs, question.layer), question.target)

    return scalar


def _features(
    reader: FeatureReader, inputs: Tensor, question: AttributionTarget
) -> Float[Tensor, "probe unit"]:
    with torch.no_grad():
        return read_feature(reader, inputs, question.layer)


def _cuda_of(inputs: Tensor) -> list[Any]:
    return [inputs.device] if inputs.device.type == "cuda" else []


@contextmanager
def _possible(name: Attribution) -> Iterator[None]:
    """Turns a failure of the attribution into an error that names the method."""
    try:
        yield
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise_machine_fault(error)
        raise AttributionNotPossibleError(
            f"{name} cannot run on this graph: {error}",
            remedy="choose gxi, saliency or elrp, which need the input's gradient only",
        ) from error


_METHODS = (
    AttributionMethod(
        Attribution.SALIENCY, "Saliency", "Song et al. 2019 (NeurIPS), 3.2", saliency
    ),
    AttributionMethod(
        Attribution.GRADIENT_X_INPUT,
        "Gradient × input",
        "Song et al. 2019 (NeurIPS), 3.2; Song et al. 2020 (CVPR), eq. 3",
        gradient_x_input,
    ),
    AttributionMethod(
        Attribution.EPSILON_LRP, "ε-LRP", "Song et al. 2019; Ancona et al. 2018", epsilon_lrp
    ),
    AttributionMethod(
        Attribution.SALIENCY_EXACT,
        "Saliency of each unit",
        "Song et al. 2019 (NeurIPS), 3.2",
        saliency_exact,
        passes=16,
    ),
    AttributionMethod(
        Attribution.INTEGRATED_GRADIENTS,
        "Integrated gradients",
        "Sundararajan et al. 2017",
        integrated_gradients,
        passes=_STEPS,
    ),
    AttributionMethod(
        Attribution.DEEP_LIFT,
        "DeepLIFT, rescale rule",
        "Shrikumar et al. 2017",
        deep_lift,
        passes=2,
        copies=2,
    ),
    AttributionMethod(
        Attribution.GRAD_CAM, "Grad-CAM", "Selvaraju et al. 2017", grad_cam, passes=2
    ),
    AttributionMethod(
        Attribution.OCCLUSION,
        "Occlusion",
        "Zeiler and Fergus 2014",
        occlusion,
        passes=100,
        copies=_PERTURBATIONS_AT_ONCE,
    ),
    AttributionMethod(
        Attribution.SMOOTH_GRAD,
        "SmoothGrad",
        "Smilkov et al. 2017",
        smooth_grad,
        passes=_NOISE_SAMPLES,
    ),
)
METHODS: Mapping[Attribution, AttributionMethod] = MappingProxyType(
    {method.name: method for method in _METHODS}
)
