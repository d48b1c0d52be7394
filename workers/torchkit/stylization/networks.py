"""The content path of a stylizer: a light network with dynamic layers that a style conditions."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from service.core.manifest import StylizerHead, StylizerNetwork
from workers.torchkit.stylization.maths import (
    MapStatistics,
    depthwise,
    depthwise_varying,
    grouped_pointwise,
    map_statistics,
    normalized,
)

SHRINKAGE = 4
_GROUPS = 4
_COLORS = 3


@dataclass(frozen=True)
class LayerShape:
    """What a style predicts for one dynamic layer.

    Attributes:
        taps: Taps of the depthwise kernel: 9 or 1.
        members: Channels that the pointwise product mixes with each other; 0 for no product.
    """

    channels: int
    taps: int
    members: int

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Numbers of kernel, mixing and bias."""
        return self.channels * self.taps, self.channels * self.members, self.channels

    def neutral(self) -> Tensor:
        """Parameters with which the layer only normalizes."""
        kernel = torch.zeros(self.channels, self.taps)
        kernel[:, self.taps // 2] = 1
        members = max(1, self.members)
        mixing = torch.eye(members).repeat(self.channels // members, 1)[:, : self.members]
        return torch.cat([kernel.flatten(), mixing.flatten(), torch.zeros(self.channels)])

    def parts(self, parameters: Float[Tensor, "image parameter"]) -> tuple[Tensor, ...]:
        """Kernel (image, channel, tap), mixing (image, channel, member) and bias."""
        count = parameters.shape[0]
        kernel, mixing, bias = parameters.split(self.sizes, dim=1)  # type: ignore[no-untyped-call]
        return (
            kernel.reshape(count, self.channels, self.taps),
            mixing.reshape(count, self.channels, self.members),
            bias[:, :, None, None],
        )


def layer_shapes(head: StylizerHead) -> tuple[LayerShape, ...]:
    """The dynamic layers of a stylizer, in order."""
    taps = 9 if head.network in (StylizerNetwork.DIN, StylizerNetwork.DYN_ONLY) else 1
    grouped = head.network is not StylizerNetwork.CIN
    return tuple(
        LayerShape(channels, taps, channels // _GROUPS if grouped else 0)
        for channels in (4 * head.width, 2 * head.width)
    )


@dataclass(frozen=True)
class Conditions:
    """What a picture is painted with.

    Attributes:
        styles: Parameters of every style, for each image.
        shares: How much each style counts: one map (image, 1, row, column) at full size for each;
            empty for one style alone.
        reach: Distance of kernel taps in positions; a map at full size where it varies.
        noise: Values that give flat areas a grain, a quarter as wide and high as the picture; None
            for none.
        statistics: Those of the dynamic layers' inputs; a missing one is that of the picture.
    """

    styles: Sequence[Float[Tensor, "image parameter"]]
    shares: Sequence[Float[Tensor, "image 1 row column"]] = ()
    reach: float | Float[Tensor, "image 1 row column"] = 1.0
    noise: Float[Tensor, "image 1 small_row small_column"] | None = None
    statistics: Sequence[MapStatistics] = field(default_factory=tuple)


def convolution(inputs: int, outputs: int, *, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    """A 3 x 3 convolution that mirrors the border."""
    return nn.Conv2d(
        inputs, outputs, 3, stride=stride, padding=1, groups=groups, padding_mode="reflect"
    )


def separable(inputs: int, outputs: int, *, stride: int = 1) -> nn.Sequential:
    """A depthwise separable convolution."""
    return nn.Sequential(
        convolution(inputs, inputs, stride=stride, groups=inputs),
        nn.ReLU(),
        nn.Conv2d(inputs, outputs, 1),
    )


class ResidualSeparable(nn.Module):
    """Maps and what a separable convolution adds to them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.change = separable(channels, channels)

    def forward(self, maps: Tensor) -> Tensor:
        """The sum."""
        total: Tensor = maps + self.change(maps)
        return total


class Doubled(nn.Module):
    """Maps twice as wide and high, by the nearest value."""

    def forward(self, maps: Tensor) -> Tensor:
        """The enlarged maps."""
        return functional.interpolate(maps, scale_factor=2, mode="nearest")


class ContentPath(nn.Module):
    """The network from a picture in [0, 1] to the painted picture.

    Sides are multiples of four and at least eight.
    """

    def __init__(self, head: StylizerHead) -> None:
        super().__init__()
        width = head.width
        self.normalizes = head.network is not StylizerNetwork.DYN_ONLY
        self.shapes = layer_shapes(head)
        self.sizes = [sum(shape.sizes) for shape in self.shapes]
        self.grain = nn.Parameter(torch.full((4 * width,), 0.1))
        self.encoder = nn.Sequential(
            convolution(_COLORS, width), nn.ReLU(),
            separable(width, 2 * width, stride=2), nn.ReLU(),
            separable(2 * width, 4 * width, stride=2), nn.ReLU(),
            ResidualSeparable(4 * width),
        )  # fmt: skip
        self.middle = nn.Sequential(
            nn.ReLU(), ResidualSeparable(4 * width), Doubled(), separable(4 * width, 2 * width)
        )
        self.tail = nn.Sequential(
            nn.ReLU(), Doubled(), separable(2 * width, width), nn.ReLU(),
            convolution(width, _COLORS), nn.Sigmoid(),
        )  # fmt: skip

    def forward(
        self, pictures: Float[Tensor, "image 3 row column"], conditions: Conditions
    ) -> Float[Tensor, "image 3 row column"]:
        """The painted pictures."""
        maps = self.before(pictures, 1, conditions)
        painted: Tensor = self.tail(self.conditioned(maps, 1, conditions))
        return painted

    def before(
        self, pictures: Float[Tensor, "image 3 row column"], layer: int, conditions: Conditions
    ) -> Tensor:
        """The input of a dynamic layer, 0 or 1."""
        maps: Tensor = self.encoder(pictures)
        if layer > 0:
            maps = self.middle(self.conditioned(maps, 0, conditions))
        return maps

    def conditioned(self, maps: Tensor, layer: int, conditions: Conditions) -> Tensor:
        """The output of a dynamic layer: each style's, added up by their shares."""
        if self.normalizes:
            statistics = (
                conditions.statistics[layer]
                if layer < len(conditions.statistics)
                else map_statistics(maps)
            )
            maps = normalized(maps, statistics)
        if layer == 0 and conditions.noise is not None:
            maps = maps + self.grain[None, :, None, None] * conditions.noise
        outputs = [
            self._with_style(maps, layer, style, conditions.reach) for style in conditions.styles
        ]
        if not conditions.shares:
            return outputs[0]
        return torch.stack(
            [
                output
                * functional.adaptive_avg_pool2d(share, (output.shape[-2], output.shape[-1]))
                for output, share in zip(outputs, conditions.shares, strict=True)
            ]
        ).sum(0)

    def _with_style(
        self, maps: Tensor, layer: int, style: Tensor, reach: float | Tensor
    ) -> Tensor:
        shape = self.shapes[layer]
        parameters = style.split(self.sizes, dim=1)[layer]  # type: ignore[no-untyped-call]
        kernel, mixing, bias = shape.parts(parameters)
        if isinstance(reach, Tensor):
            reaches = functional.adaptive_avg_pool2d(reach, (maps.shape[-2], maps.shape[-1]))
            maps = depthwise_varying(maps, kernel, reaches)
        else:
            maps = depthwise(maps, kernel, reach=reach)
        return (grouped_pointwise(maps, mixing) if shape.members else maps) + bias
