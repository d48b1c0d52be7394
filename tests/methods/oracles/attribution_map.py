"""Slow plain twins of the attribution equations: one image, one unit, one pixel at a time."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

Function = Callable[[Tensor], Tensor]


def jacobian(feature: Function, image: Tensor) -> list[Tensor]:
    """∂F_k/∂x for every unit k of one image, each by a backward pass of its own."""
    rows = []
    for unit in range(feature(image[None]).numel()):
        leaf = image.clone().requires_grad_()
        feature(leaf[None]).flatten()[unit].backward()
        assert leaf.grad is not None
        rows.append(leaf.grad)
    return rows


def gradient_of_sum(feature: Function, image: Tensor) -> Tensor:
    """∂ΣF/∂x = Σ_k ∂F_k/∂x."""
    total = torch.zeros_like(image)
    for row in jacobian(feature, image):
        total = total + row
    return total


def gradient_of_half_square(feature: Function, image: Tensor) -> Tensor:
    """∂½‖F‖²/∂x = Σ_k F_k ∂F_k/∂x."""
    values = feature(image[None]).flatten()
    total = torch.zeros_like(image)
    for value, row in zip(values, jacobian(feature, image), strict=True):
        total = total + value.detach() * row
    return total


def gradient_of_norm(feature: Function, image: Tensor) -> Tensor:
    """∂‖F‖/∂x, as DEPARA prints it."""
    leaf = image.clone().requires_grad_()
    feature(leaf[None]).norm().backward()
    assert leaf.grad is not None
    return leaf.grad


def mean_of_absolute_unit_gradients(feature: Function, image: Tensor) -> Tensor:
    """(1/D) Σ_k |∂F_k/∂x|."""
    rows = jacobian(feature, image)
    return sum((row.abs() for row in rows), torch.zeros_like(image)) / len(rows)


def epsilon_lrp_of_two_layers(
    first: Tensor, second: Tensor, image: list[float], function: Callable[[float], float]
) -> list[float]:
    """x_i Σ_k Σ_j W2_kj g(z_j) W1_ji with g(z) = f(z)/(z + 1e-4 sgn z), target the sum."""
    relevances = []
    for i, pixel in enumerate(image):
        slope = 0.0
        for j in range(first.shape[0]):
            z = sum(float(first[j, a]) * image[a] for a in range(len(image)))
            g = function(z) / (z + (1e-4 if z >= 0 else -1e-4))
            for k in range(second.shape[0]):
                slope += float(second[k, j]) * g * float(first[j, i])
        relevances.append(pixel * slope)
    return relevances


def unit_row(row: list[float]) -> list[float] | None:
    """The row divided by its length; None where it is not finite or has none."""
    if not all(math.isfinite(value) for value in row):
        return None
    length = math.sqrt(sum(value * value for value in row))
    return [value / length for value in row] if length > 0 else None


def network_input(
    pixel: tuple[int, int, int],
    *,
    low_high: tuple[float, float],
    mean: tuple[float, ...],
    std: tuple[float, ...],
    order: str,
) -> list[float]:
    """One canonical RGB pixel in the network's channels."""
    values = [byte / 255 for byte in pixel]
    if len(mean) == 1:
        red, green, blue = values
        values = [0.299 * red + 0.587 * green + 0.114 * blue]
    elif order == "BGR":
        values = values[::-1]
    low, high = low_high
    return [(low + (high - low) * v - m) / s for v, m, s in zip(values, mean, std, strict=True)]


def class_activation(activation: Tensor, gradient: Tensor) -> list[list[float]]:
    """Grad-CAM of one image's planes (channel, row, column) by loops."""
    channels, rows, columns = activation.shape
    weights = []
    for c in range(channels):
        total = sum(float(gradient[c, y, x]) for y in range(rows) for x in range(columns))
        weights.append(total / (rows * columns))
    return [
        [
            max(0.0, sum(weights[c] * float(activation[c, y, x]) for c in range(channels)))
            for x in range(columns)
        ]
        for y in range(rows)
    ]


def rescale_multiplier(z: float, z0: float, function: Callable[[float], float]) -> float:
    """DeepLIFT's multiplier of one nonlinearity."""
    return (function(z) - function(z0)) / (z - z0)
