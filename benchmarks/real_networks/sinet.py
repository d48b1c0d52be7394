"""SINet: portrait segmentation with squeezed pyramids (Park et al. 2020)."""

# A call of nn.Module is typed Any.
# mypy: disable-error-code="no-any-return"

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.real_networks.espnet import Conv, ConvNormAct, NormAct

_EPSILON = 1e-3
# (kernel, pooling) of both branches, block by block.
_LEVEL2 = (((3, 1), (5, 1)), ((3, 1), (3, 1)))
_LEVEL3 = (
    ((3, 1), (5, 1)),
    ((3, 1), (3, 1)),
    ((5, 1), (3, 2)),
    ((5, 2), (3, 4)),
    ((3, 1), (3, 1)),
    ((5, 1), (5, 1)),
    ((3, 2), (3, 4)),
    ((3, 1), (5, 2)),
)


class Gate(nn.Module):
    """Channels weighted by what the whole image says about them."""

    def __init__(self, channels: int, divisor: int) -> None:
        super().__init__()
        narrow = channels // divisor
        layers: list[nn.Module] = [nn.Linear(channels, narrow), nn.PReLU(narrow)]
        if divisor > 1:
            layers += [nn.Linear(narrow, channels), nn.PReLU(channels)]
        self.dense = nn.Sequential(*layers)

    def forward(self, maps: Tensor) -> Tensor:
        """The weighted maps."""
        weights = self.dense(maps.mean(dim=(2, 3)))
        return maps * weights[:, :, None, None]


class GatedDown(NormAct):
    """A depthwise 3x3 at stride 2, a gate, and a pointwise convolution."""

    def __init__(self, channels_in: int, channels: int, divisor: int) -> None:
        super().__init__(channels)
        self.conv = nn.Sequential(
            nn.Conv2d(channels_in, channels_in, 3, 2, 1, groups=channels_in, bias=False),
            Gate(channels_in, divisor),
            nn.Conv2d(channels_in, channels, 1, bias=False),
        )

    def forward(self, maps: Tensor) -> Tensor:
        """(n, channels, h/2, w/2)."""
        return super().forward(self.conv(maps))


class PooledBranch(nn.Module):
    """A depthwise and a pointwise convolution at a reduced size."""

    def __init__(self, channels: int, kernel: int, pooling: int) -> None:
        super().__init__()
        self.pooling = pooling
        depthwise = nn.Conv2d(
            channels, channels, kernel, padding=kernel // 2, groups=channels, bias=False
        )
        self.conv = nn.Sequential(depthwise, nn.BatchNorm2d(channels, eps=_EPSILON))
        self.act_conv1x1 = nn.Sequential(
            nn.PReLU(channels), nn.Conv2d(channels, channels, 1, bias=False)
        )
        self.bn = nn.BatchNorm2d(channels, eps=_EPSILON)

    def forward(self, maps: Tensor) -> Tensor:
        """Maps of the input's size."""
        if self.pooling == 1:
            return self.bn(self.act_conv1x1(self.conv(maps)))
        small = functional.avg_pool2d(maps, self.pooling, self.pooling)
        answer = self.act_conv1x1(self.conv(small))
        return self.bn(_enlarged(answer, self.pooling))


class HalvedConv(nn.Module):
    """A pointwise convolution of two halves that do not see each other."""

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels, 1, groups=2, bias=False)

    def forward(self, maps: Tensor) -> Tensor:
        """(n, channels, h, w)."""
        return self.conv(maps)


class SqueezedPyramid(nn.Module):
    """Two branches over half the channels each, shuffled, optionally added to the input."""

    def __init__(
        self, channels_in: int, channels: int, branches: tuple[tuple[int, int], tuple[int, int]]
    ) -> None:
        super().__init__()
        self.residual = channels_in == channels
        self.c1 = HalvedConv(channels_in, channels // 2)
        self.d1 = PooledBranch(channels // 2, *branches[0])
        self.d2 = PooledBranch(channels // 2, *branches[1])
        self.BR = NormAct(channels)

    def forward(self, maps: Tensor) -> Tensor:
        """(n, channels, h, w)."""
        halves = self.c1(maps).unflatten(1, (2, -1))
        mixed = halves.transpose(1, 2).flatten(1, 2)
        both = torch.cat([self.d1(mixed), self.d2(mixed)], dim=1)
        return self.BR(maps + both if self.residual else both)


class SINetEncoder(nn.Module):
    """Levels at 1/2, 1/4 and 1/8 of the size."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.level1 = ConvNormAct(3, 12, 3, stride=2)
        self.level2_0 = GatedDown(12, 16, 1)
        self.level2 = _pyramids(16, 48, _LEVEL2)
        self.BR2 = NormAct(64)
        self.level3_0 = GatedDown(64, 48, 2)
        self.level3 = _pyramids(48, 96, _LEVEL3)
        self.BR3 = NormAct(144)
        self.classifier = Conv(144, classes, 1)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Maps at 1/4 of the size and class scores at 1/8."""
        down = self.level2_0(self.level1(images))
        second = self.level2(down)
        down = self.level3_0(self.BR2(torch.cat([down, second], dim=1)))
        third = self.BR3(torch.cat([down, self.level3(down)], dim=1))
        return second, self.classifier(third)


class SINet(nn.Module):
    """Coarse scores, corrected by finer maps where the coarse ones are unsure."""

    def __init__(self, classes: int = 2) -> None:
        super().__init__()
        self.encoder = SINetEncoder(classes)
        self.bn_3 = nn.BatchNorm2d(classes, eps=_EPSILON)
        self.level2_C = ConvNormAct(48, classes, 1)
        self.bn_2 = nn.BatchNorm2d(classes, eps=_EPSILON)
        self.classifier = nn.Sequential(
            nn.UpsamplingBilinear2d(scale_factor=2),
            nn.Conv2d(classes, classes, 3, padding=1, bias=False),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Scores of background and person, (n, 2, h, w)."""
        second, scores = self.encoder(images)
        coarse = self.bn_3(_enlarged(scores, 2))
        unsure = 1.0 - coarse.softmax(dim=1).amax(dim=1, keepdim=True)
        fine = self.level2_C(second) * unsure + coarse
        return self.classifier(self.bn_2(_enlarged(fine, 2)))


def _pyramids(
    channels_in: int, channels: int, plan: tuple[tuple[tuple[int, int], tuple[int, int]], ...]
) -> nn.Sequential:
    inputs = [channels_in] + [channels] * (len(plan) - 1)
    return nn.Sequential(
        *(
            SqueezedPyramid(width, channels, branches)
            for width, branches in zip(inputs, plan, strict=True)
        )
    )


def _enlarged(maps: Tensor, factor: int) -> Tensor:
    return functional.interpolate(
        maps, scale_factor=float(factor), mode="bilinear", align_corners=True
    )
