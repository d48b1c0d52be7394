"""Encoders of four families: standardized 32 × 32 pixels to F of ``channels`` × 4 × 4.

Each is two parts in a row, ``lower`` and ``upper``, so that a layer half-way up can be read too.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn


class FamilyEncoder(nn.Module):
    """``layers`` in two parts; one plane is taken for three equal ones."""

    def __init__(self, lower: nn.Module, upper: nn.Module, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(lower, upper)
        self.channels = channels

    def forward(self, inputs: Tensor) -> Tensor:
        """F (n, channels, 4, 4)."""
        features: Tensor = self.layers(inputs.expand(-1, 3, -1, -1))
        return features

    def halfway(self, inputs: Tensor) -> Tensor:
        """What the lower part gives."""
        features: Tensor = self.layers[0](inputs.expand(-1, 3, -1, -1))
        return features


def _step(
    into: int, out: int, *, kernel: int = 3, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    padding = (kernel - 1) // 2
    convolution = nn.Conv2d(into, out, kernel, stride, padding, groups=groups, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(out), nn.ReLU())


def plain(channels: int) -> FamilyEncoder:
    """Six convolutions."""
    thin, middle = channels // 3, channels * 2 // 3
    lower = nn.Sequential(
        _step(3, thin, kernel=4, stride=2),
        _step(thin, thin),
        _step(thin, middle, kernel=4, stride=2),
    )
    upper = nn.Sequential(
        _step(middle, middle),
        _step(middle, channels, kernel=4, stride=2),
        _step(channels, channels),
    )
    return FamilyEncoder(lower, upper, channels)


class ShortCutBlock(nn.Module):
    """Two convolutions around a short cut; halves the side where widths differ."""

    def __init__(self, into: int, out: int) -> None:
        super().__init__()
        stride = 1 if into == out else 2
        self.body = nn.Sequential(
            _step(into, out, stride=stride),
            nn.Conv2d(out, out, 3, padding=1, bias=False),
            nn.BatchNorm2d(out),
        )
        self.short = nn.Identity() if stride == 1 else nn.Conv2d(into, out, 1, stride)

    def forward(self, inputs: Tensor) -> Tensor:
        """The sum, rectified."""
        return torch.relu(self.short(inputs) + self.body(inputs))


def residual(channels: int) -> FamilyEncoder:
    """A stem and four blocks."""
    thin, middle = channels // 4, channels // 2
    lower = nn.Sequential(
        _step(3, thin, stride=2), ShortCutBlock(thin, thin), ShortCutBlock(thin, middle)
    )
    upper = nn.Sequential(ShortCutBlock(middle, channels), ShortCutBlock(channels, channels))
    return FamilyEncoder(lower, upper, channels)


def _separable(into: int, out: int, *, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(_step(into, into, stride=stride, groups=into), _step(into, out, kernel=1))


def depthwise(channels: int) -> FamilyEncoder:
    """A stem and five depthwise separable steps."""
    thin, middle = channels // 3, channels * 2 // 3
    lower = nn.Sequential(
        _step(3, thin, stride=2), _separable(thin, thin), _separable(thin, middle, stride=2)
    )
    upper = nn.Sequential(
        _separable(middle, middle),
        _separable(middle, channels, stride=2),
        _separable(channels, channels),
    )
    return FamilyEncoder(lower, upper, channels)


class TokenPatches(nn.Module):
    """Sixteen tokens of 8 × 8 pixels, with learned positions."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.embed = nn.Sequential(
            nn.Conv2d(3, 32, 4, 4), nn.GELU(), nn.Conv2d(32, channels, 2, 2)
        )
        self.positions = nn.Parameter(torch.randn(1, 16, channels) * 0.02)

    def forward(self, inputs: Tensor) -> Tensor:
        """(n, 16, channels)."""
        tokens: Tensor = self.embed(inputs).flatten(2).transpose(1, 2) + self.positions
        return tokens


class TokenMixing(nn.Module):
    """Self-attention and two dense layers, each normalized first."""

    def __init__(self, channels: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.before, self.between = nn.LayerNorm(channels), nn.LayerNorm(channels)
        self.mixes, self.joins = nn.Linear(channels, 3 * channels), nn.Linear(channels, channels)
        self.dense = nn.Sequential(
            nn.Linear(channels, 2 * channels), nn.GELU(), nn.Linear(2 * channels, channels)
        )

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens of the same shape."""
        count, length, _ = tokens.shape
        mixed = self.mixes(self.before(tokens)).view(count, length, 3, self.heads, -1)
        query, key, value = mixed.permute(2, 0, 3, 1, 4)
        weights = (query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5).softmax(-1)
        tokens = tokens + self.joins((weights @ value).transpose(1, 2).reshape(tokens.shape))
        output: Tensor = tokens + self.dense(self.between(tokens))
        return output


class Placed(nn.Module):
    """Tokens normalized and put back on the 4 × 4 plane."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)

    def forward(self, tokens: Tensor) -> Tensor:
        """(n, channels, 4, 4)."""
        return self.norm(tokens).transpose(1, 2).unflatten(2, (4, 4))


def transformer(channels: int) -> FamilyEncoder:
    """Four attention blocks on sixteen tokens."""
    lower = nn.Sequential(TokenPatches(channels), TokenMixing(channels), TokenMixing(channels))
    upper = nn.Sequential(TokenMixing(channels), TokenMixing(channels), Placed(channels))
    return FamilyEncoder(lower, upper, channels)


FAMILIES: dict[str, Callable[[int], FamilyEncoder]] = {
    "plain": plain,
    "residual": residual,
    "depthwise": depthwise,
    "transformer": transformer,
}
