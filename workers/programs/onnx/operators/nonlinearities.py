"""Activation functions, in the forms whose backward pass attribution methods replace."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn import functional

from workers.programs.onnx.call import Call

_OLD_SOFTMAX = 13
_SIXTH = 1 / 6
_CLOSE = 1e-4
_SELU_ALPHA, _SELU_GAMMA = 1.67326319217681884765625, 1.05070102214813232421875


def _plain(compute: Callable[[Tensor], Tensor]) -> Callable[[Call], Tensor]:
    return lambda call: compute(call.tensor(0))


def _leaky_relu(call: Call) -> Tensor:
    return functional.leaky_relu(call.tensor(0), call.attributes.decimal("alpha", 0.01))


def _elu(call: Call) -> Tensor:
    return functional.elu(call.tensor(0), call.attributes.decimal("alpha", 1.0))


def _celu(call: Call) -> Tensor:
    return functional.celu(call.tensor(0), call.attributes.decimal("alpha", 1.0))


def _selu(call: Call) -> Tensor:
    alpha = call.attributes.decimal("alpha", _SELU_ALPHA)
    gamma = call.attributes.decimal("gamma", _SELU_GAMMA)
    if abs(alpha - _SELU_ALPHA) < _CLOSE and abs(gamma - _SELU_GAMMA) < _CLOSE:
        return functional.selu(call.tensor(0))
    return gamma * functional.elu(call.tensor(0), alpha)


def _hard_sigmoid(call: Call) -> Tensor:
    alpha = call.attributes.decimal("alpha", 0.2)
    beta = call.attributes.decimal("beta", 0.5)
    if abs(alpha - _SIXTH) < _CLOSE and beta == 0.5:  # noqa: PLR2004 - the form of torch
        return functional.hardsigmoid(call.tensor(0))
    return torch.clamp(alpha * call.tensor(0) + beta, 0.0, 1.0)


def _thresholded_relu(call: Call) -> Tensor:
    return functional.threshold(call.tensor(0), call.attributes.decimal("alpha", 1.0), 0.0)


def _shrink(call: Call) -> Tensor:
    edge, bias = call.attributes.decimal("lambd", 0.5), call.attributes.decimal("bias", 0.0)
    images = call.tensor(0)
    inner = torch.where(images > edge, images - bias, torch.zeros_like(images))
    return torch.where(images < -edge, images + bias, inner)


def _prelu(call: Call) -> Tensor:
    images, slope = call.tensor(0), call.tensor(1)
    channels = slope.numel()
    if channels == 1 or (slope.ndim == images.ndim - 1 and slope.shape[0] == channels):
        return functional.prelu(images, slope.reshape(-1))
    return torch.where(images >= 0, images, images * slope)


def _gelu(call: Call) -> Tensor:
    return functional.gelu(call.tensor(0), approximate=call.attributes.text("approximate", "none"))


def _softmax(compute: Callable[[Tensor, int], Tensor]) -> Callable[[Call], Tensor]:
    """Softmax along an axis; before opset 13, over all axes from one on."""

    def computed(call: Call) -> Tensor:
        images = call.tensor(0)
        if call.opset >= _OLD_SOFTMAX:
            return compute(images, call.attributes.integer("axis", -1))
        axis = call.attributes.integer("axis", 1) % images.ndim
        if axis == images.ndim - 1:
            return compute(images, axis)
        return compute(images.flatten(axis), axis).reshape(images.shape)

    return computed


NONLINEARITIES: Mapping[str, Callable[[Call], Tensor]] = {
    "Relu": _plain(functional.relu),
    "Sigmoid": _plain(torch.sigmoid),
    "Tanh": _plain(torch.tanh),
    "Softplus": _plain(functional.softplus),
    "Softsign": _plain(functional.softsign),
    "HardSwish": _plain(functional.hardswish),
    "Mish": _plain(functional.mish),
    "LeakyRelu": _leaky_relu,
    "Elu": _elu,
    "Celu": _celu,
    "Selu": _selu,
    "Gelu": _gelu,
    "HardSigmoid": _hard_sigmoid,
    "ThresholdedRelu": _thresholded_relu,
    "Shrink": _shrink,
    "PRelu": _prelu,
    "Softmax": _softmax(lambda images, axis: functional.softmax(images, dim=axis)),
    "LogSoftmax": _softmax(lambda images, axis: functional.log_softmax(images, dim=axis)),
}
