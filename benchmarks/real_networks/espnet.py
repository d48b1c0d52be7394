"""ESPNet: segmentation with pyramids of dilated convolutions (Mehta et al. 2018)."""

# A call of nn.Module is typed Any.
# mypy: disable-error-code="no-any-return"

from collections.abc import Sequence

import torch
from torch import Tensor, nn

_EPSILON = 1e-3
_DILATIONS = (1, 2, 4, 8, 16)


class Conv(nn.Module):
    """A convolution without bias that keeps the size at stride 1."""

    def __init__(
        self, channels_in: int, channels: int, kernel: int, *, stride: int = 1, dilation: int = 1
    ) -> None:
        super().__init__()
        padding = (kernel - 1) // 2 * dilation
        self.conv = nn.Conv2d(
            channels_in, channels, kernel, stride, padding, dilation=dilation, bias=False
        )

    def forward(self, maps: Tensor) -> Tensor:
        """The convolved maps."""
        return self.conv(maps)


class NormAct(nn.Module):
    """Batch normalization and a PReLU with one slope per channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bn = nn.BatchNorm2d(channels, eps=_EPSILON)
        self.act = nn.PReLU(channels)

    def forward(self, maps: Tensor) -> Tensor:
        """The activated maps."""
        return self.act(self.bn(maps))


class ConvNormAct(NormAct):
    """A convolution before the two."""

    def __init__(self, channels_in: int, channels: int, kernel: int, *, stride: int = 1) -> None:
        super().__init__(channels)
        self.conv = Conv(channels_in, channels, kernel, stride=stride).conv

    def forward(self, maps: Tensor) -> Tensor:
        """The activated maps."""
        return super().forward(self.conv(maps))


class _Pyramid(nn.Module):
    """Reduce, convolve at five dilations, and add the dilated answers one upon another."""

    def __init__(self, channels_in: int, channels: int, reduction: tuple[int, int]) -> None:
        super().__init__()
        kernel, stride = reduction
        narrow = channels // len(_DILATIONS)
        self.c1 = Conv(channels_in, narrow, kernel, stride=stride)
        for dilation in _DILATIONS:
            wide = channels - 4 * narrow if dilation == 1 else narrow
            self.add_module(f"d{dilation}", Conv(narrow, wide, 3, dilation=dilation))

    def answers(self, maps: Tensor) -> Tensor:
        """All five answers beside each other; each dilated one holds the sum of the ones before."""
        reduced = self.c1(maps)
        first, second, *wider = (
            self.get_submodule(f"d{dilation}")(reduced) for dilation in _DILATIONS
        )
        sums = [second]
        for answer in wider:
            sums.append(sums[-1] + answer)
        return torch.cat([first, *sums], dim=1)


class DownPyramid(_Pyramid):
    """The pyramid at half the size."""

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__(channels_in, channels, (3, 2))
        self.bn = nn.BatchNorm2d(channels, eps=_EPSILON)
        self.act = nn.PReLU(channels)

    def forward(self, maps: Tensor) -> Tensor:
        """(n, channels, h/2, w/2)."""
        return self.act(self.bn(self.answers(maps)))


class PlainPyramid(_Pyramid):
    """The pyramid at full size, without a residual."""

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__(channels_in, channels, (1, 1))
        self.bn = NormAct(channels)

    def forward(self, maps: Tensor) -> Tensor:
        """(n, channels, h, w)."""
        return self.bn(self.answers(maps))


class ResidualPyramid(PlainPyramid):
    """The pyramid at full size, added to its input."""

    def forward(self, maps: Tensor) -> Tensor:
        """(n, channels, h, w)."""
        return self.bn(maps + self.answers(maps))


def _through(blocks: Sequence[nn.Module] | nn.ModuleList, maps: Tensor) -> Tensor:
    for block in blocks:
        maps = block(maps)
    return maps


class ESPNetEncoder(nn.Module):
    """Three levels at 1/2, 1/4 and 1/8 of the size, each fed with the shrunken image."""

    def __init__(self, classes: int, depths: tuple[int, int]) -> None:
        super().__init__()
        self.level1 = ConvNormAct(3, 16, 3, stride=2)
        self.shrink = nn.AvgPool2d(3, 2, 1)
        self.b1 = NormAct(19)
        self.level2_0 = DownPyramid(19, 64)
        self.level2 = nn.ModuleList(ResidualPyramid(64, 64) for _ in range(depths[0]))
        self.b2 = NormAct(131)
        self.level3_0 = DownPyramid(131, 128)
        self.level3 = nn.ModuleList(ResidualPyramid(128, 128) for _ in range(depths[1]))
        self.b3 = NormAct(256)
        self.classifier = Conv(256, classes, 1)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Maps at 1/2 and 1/4 of the size, and class scores at 1/8."""
        half = self.shrink(images)
        first = self.b1(torch.cat([self.level1(images), half], dim=1))
        down = self.level2_0(first)
        second = self.b2(torch.cat([_through(self.level2, down), down, self.shrink(half)], dim=1))
        down = self.level3_0(second)
        third = self.b3(torch.cat([down, _through(self.level3, down)], dim=1))
        return first, second, self.classifier(third)


class ESPNet(nn.Module):
    """Encoder and a light decoder that doubles the size three times."""

    def __init__(self, classes: int = 12, depths: tuple[int, int] = (2, 8)) -> None:
        super().__init__()
        self.encoder = ESPNetEncoder(classes, depths)
        self.level3_C = Conv(131, classes, 1)
        self.br = nn.BatchNorm2d(classes, eps=_EPSILON)
        self.conv = ConvNormAct(19 + classes, classes, 3)
        self.up_l3 = nn.Sequential(_doubling(classes))
        self.combine_l2_l3 = nn.Sequential(
            NormAct(2 * classes), PlainPyramid(2 * classes, classes)
        )
        self.up_l2 = nn.Sequential(_doubling(classes), NormAct(classes))
        self.classifier = _doubling(classes)

    def forward(self, images: Tensor) -> Tensor:
        """Class scores (n, classes, h, w); h and w are multiples of 8."""
        first, second, scores = self.encoder(images)
        coarse = self.up_l3(self.br(scores))
        middle = torch.cat([self.level3_C(second), coarse], dim=1)
        fine = self.up_l2(self.combine_l2_l3(middle))
        return self.classifier(self.conv(torch.cat([fine, first], dim=1)))


def _doubling(channels: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(channels, channels, 2, 2, bias=False)
