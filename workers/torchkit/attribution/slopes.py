"""Alternative slopes for nonlinearities, used in back-propagation instead of the derivative.

Enter a ``SlopeMode`` around a forward pass: every elementwise nonlinearity called inside, by a
module, a function or an aten operator, keeps its value and gets another backward pass. The
network itself does not change.
"""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

EPSILON = 1e-4
_CLOSE = 1e-6

Nonlinearity = Callable[[Tensor], Tensor]
SlopeRule = Callable[[Tensor, Nonlinearity], Tensor]


class _ChordFromOrigin(torch.autograd.Function):
    """f(z) whose backward multiplies by f(z)/(z + ε·sgn z), with sgn 0 = +1."""

    @staticmethod
    def forward(ctx: Any, preactivation: Tensor, function: Nonlinearity) -> Tensor:
        """The nonlinearity itself."""
        activation = function(preactivation)
        ctx.save_for_backward(preactivation, activation)
        return activation

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        """The incoming gradient times the chord's slope."""
        preactivation, activation = ctx.saved_tensors
        return gradients[0] * chord_slope(preactivation, activation), None


def epsilon_lrp(
    preactivation: Float[Tensor, " *shape"], function: Nonlinearity
) -> Float[Tensor, " *shape"]:
    """f(z), with the slope of the chord from the origin in the backward pass.

    Source: Ancona et al. 2018 (ICLR), proposition 1; ε = 1e-4 as in DeepExplain.
    """
    activation: Tensor = _ChordFromOrigin.apply(preactivation, function)  # type: ignore[no-untyped-call]
    return activation


def chord_slope(
    preactivation: Float[Tensor, " *shape"], activation: Float[Tensor, "*shape"]
) -> Float[Tensor, " *shape"]:
    """g(z) = f(z)/(z + ε·sgn z): the slope of the chord from the origin, kept finite at 0."""
    signed = torch.where(preactivation >= 0, EPSILON, -EPSILON)
    return activation / (preactivation + signed)


class _ChordFromBaseline(torch.autograd.Function):
    """f(z) on images followed by their baselines; backward uses the chord between the two."""

    @staticmethod
    def forward(ctx: Any, preactivation: Tensor, function: Nonlinearity) -> Tensor:
        """The nonlinearity itself."""
        activation = function(preactivation)
        ctx.save_for_backward(preactivation, activation)
        ctx.function = function
        return activation

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        """The incoming gradient times (f(z) - f(z0))/(z - z0), or f' where z is close to z0."""
        preactivation, activation = ctx.saved_tensors
        with torch.enable_grad():
            leaf = preactivation.detach().requires_grad_()
            (derivative,) = torch.autograd.grad(ctx.function(leaf).sum(), leaf)
        return gradients[0] * rescale_slope(preactivation, activation, derivative), None


def deep_lift_rescale(
    preactivation: Float[Tensor, " twice *shape"], function: Nonlinearity
) -> Float[Tensor, " twice *shape"]:
    """f(z), with the slope of the chord between image and baseline in the backward pass.

    Source: Shrikumar et al. 2017, arXiv:1704.02685, section 3.5.1 (rescale rule).
    """
    activation: Tensor = _ChordFromBaseline.apply(preactivation, function)  # type: ignore[no-untyped-call]
    return activation


def rescale_slope(
    preactivation: Float[Tensor, " twice *shape"],
    activation: Float[Tensor, " twice *shape"],
    derivative: Float[Tensor, " twice *shape"],
) -> Float[Tensor, " twice *shape"]:
    """(f(z) - f(z0))/(z - z0) for both halves, z the first and z0 the second half of the rows."""
    run = _difference_of_halves(preactivation)
    rise = _difference_of_halves(activation)
    apart = run.abs() > _CLOSE
    chord = rise / torch.where(apart, run, 1.0)
    return torch.where(apart, chord, derivative)


def _difference_of_halves(rows: Tensor) -> Tensor:
    image, baseline = rows.chunk(2)
    return (image - baseline).repeat(2, *[1] * (rows.dim() - 1))


_ATEN = (
    *("relu", "leaky_relu", "elu", "gelu", "silu", "sigmoid", "tanh", "softplus", "hardswish"),
    *("hardsigmoid", "hardtanh", "mish", "log_sigmoid", "selu", "celu", "erf", "relu6"),
)
_NONLINEARITIES = frozenset(
    {
        *(functional.relu, functional.relu6, functional.leaky_relu, functional.elu),
        *(functional.gelu, functional.silu, functional.softplus, functional.sigmoid),
        *(functional.tanh, functional.hardswish, functional.hardsigmoid, functional.hardtanh),
        *(functional.selu, functional.celu, functional.mish, functional.logsigmoid),
        *(torch.relu, torch.sigmoid, torch.tanh, torch.erf, torch.relu_),
        *(Tensor.relu, Tensor.sigmoid, Tensor.tanh, Tensor.erf, Tensor.relu_),
        *(getattr(torch.ops.aten, name).default for name in _ATEN),
    }
)


class SlopeMode(TorchFunctionMode):
    """Applies ``rule`` to every elementwise nonlinearity called while active."""

    def __init__(self, rule: SlopeRule) -> None:
        super().__init__()
        self.rule = rule
        self.replaced = 0

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """The result of the call; a nonlinearity gets the rule's backward."""
        options = dict(kwargs or {})
        if func not in _NONLINEARITIES:
            return func(*args, **options)
        self.replaced += 1
        options.pop("inplace", None)
        preactivation = args[0] if args else options.pop("input")
        # A module may pass `inplace` by position; the copy protects the saved preactivation.
        return self.rule(preactivation, lambda z: func(z.clone(), *args[1:], **options))
