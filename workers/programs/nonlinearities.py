"""Slopes of elementwise nonlinearities: the derivative, and the secant of ε-LRP.

Source: Ancona et al. 2018, "Towards better understanding of gradient-based attribution methods",
arXiv:1711.06104: ε-LRP equals gradient × input when every nonlinearity f back-propagates
f(z) / (z + ε·sgn z) in place of f'(z).
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Any

import torch
from torch import Tensor

EPSILON = 1e-4


class ProgramSlope(StrEnum):
    """The slope by which a nonlinearity scales the gradient of its input."""

    EXACT = "exact"
    EPSILON_LRP = "epsilon_lrp"


class _SecantSlope(torch.autograd.Function):
    """f(z) forward; f(z) / (z + ε·sgn z) backward, with sgn 0 = +1."""

    @staticmethod
    def forward(ctx: Any, z: Tensor, apply: Callable[[Tensor], Tensor]) -> Tensor:
        with torch.no_grad():
            value = apply(z)
        ctx.save_for_backward(z, value)
        return value

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        z, value = ctx.saved_tensors
        return gradients[0] * value / (z + torch.where(z < 0, -EPSILON, EPSILON)), None


def with_secant_slope(apply: Callable[[Tensor], Tensor], z: Tensor) -> Tensor:
    """f(z), back-propagated with slope f(z) / (z + ε·sgn z), ε = 1e-4 and sgn 0 = +1.

    Args:
        apply: An elementwise f; its own gradient is not used.
        z: Any shape, floating point.
    """
    value: Tensor = _SecantSlope.apply(z, apply)  # type: ignore[no-untyped-call]
    return value
