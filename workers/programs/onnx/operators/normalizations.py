"""Normalizations, with the statistics of the training."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn import functional

from workers.programs.onnx.call import Call
from workers.programs.refusal import ProgramRefusedError

_GROUP_SCALE_PER_CHANNEL = 21


def _batch_norm(call: Call) -> Tensor:
    attributes = call.attributes
    attributes.decimal("momentum", 0.9)
    if attributes.flag("training_mode") and not call.of_image:
        return _standardized(call)
    if attributes.flag("training_mode"):
        raise ProgramRefusedError(
            "training_mode",
            f"{attributes.owner} runs in training mode",
            "call .eval() on the network before exporting",
        )
    images, scale, bias, mean, variance = (call.tensor(position) for position in range(5))
    eps = attributes.decimal("epsilon", 1e-5)
    # Exporters write equal tensors once: a variance may be the trained weight of another layer.
    mean, variance = (each.detach() if each.requires_grad else each for each in (mean, variance))
    return functional.batch_norm(images, mean, variance, scale, bias, training=False, eps=eps)


def _standardized(call: Call) -> Tensor:
    """Weights by their own statistics: weight standardization is written this way."""
    weights, scale, bias = (call.tensor(position) for position in range(3))
    eps = call.attributes.decimal("epsilon", 1e-5)
    return functional.batch_norm(weights, None, None, scale, bias, training=True, eps=eps)


def _instance_norm(call: Call) -> Tensor:
    images, scale, bias = (call.tensor(position) for position in range(3))
    eps = call.attributes.decimal("epsilon", 1e-5)
    return functional.group_norm(images, images.shape[1], scale, bias, eps)


def _layer_norm(call: Call) -> Tensor:
    images, scale, bias = call.tensor(0), call.tensor(1), call.optional_tensor(2)
    axis = call.attributes.integer("axis", -1) % images.ndim
    call.attributes.integer("stash_type", 1)
    eps = call.attributes.decimal("epsilon", 1e-5)
    shape = list(images.shape[axis:])
    if list(scale.shape) == shape and (bias is None or list(bias.shape) == shape):
        return functional.layer_norm(images, shape, scale, bias, eps)
    scaled = functional.layer_norm(images, shape, eps=eps) * scale
    return scaled if bias is None else scaled + bias


def _group_norm(call: Call) -> Tensor:
    images, scale, bias = (call.tensor(position) for position in range(3))
    groups = call.attributes.integer("num_groups", 1)
    call.attributes.integer("stash_type", 1)
    if call.opset < _GROUP_SCALE_PER_CHANNEL and scale.numel() == groups:
        each = images.shape[1] // groups
        scale, bias = scale.repeat_interleave(each), bias.repeat_interleave(each)
    return functional.group_norm(
        images, groups, scale, bias, call.attributes.decimal("epsilon", 1e-5)
    )


def _local_response(call: Call) -> Tensor:
    attributes = call.attributes
    return functional.local_response_norm(
        call.tensor(0),
        attributes.integer("size", 1),
        alpha=attributes.decimal("alpha", 1e-4),
        beta=attributes.decimal("beta", 0.75),
        k=attributes.decimal("bias", 1.0),
    )


def _lp_norm(call: Call) -> Tensor:
    images = call.tensor(0)
    axis, order = call.attributes.integer("axis", -1), call.attributes.integer("p", 2)
    norm: Tensor = torch.linalg.vector_norm(images, float(order), dim=axis, keepdim=True)
    return images / norm


def _mean_variance(call: Call) -> Tensor:
    images = call.tensor(0)
    axes = call.attributes.integers("axes") or [0, 2, 3]
    centered = images - images.mean(dim=axes, keepdim=True)
    return centered / (centered.square().mean(dim=axes, keepdim=True).sqrt() + 1e-9)


NORMALIZATIONS: Mapping[str, Callable[[Call], Tensor]] = {
    "BatchNormalization": _batch_norm,
    "InstanceNormalization": _instance_norm,
    "LayerNormalization": _layer_norm,
    "GroupNormalization": _group_norm,
    "LRN": _local_response,
    "LpNormalization": _lp_norm,
    "MeanVarianceNormalization": _mean_variance,
}
