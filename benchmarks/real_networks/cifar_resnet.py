"""Residual networks for 32x32 color images: three stages of 16, 32 and 64 channels."""

# A call of nn.Module is typed Any.
# mypy: disable-error-code="no-any-return"

import torch
from torch import Tensor, nn
from torch.nn import functional

_WIDTHS = (16, 32, 64)


class ShrinkingShortcut(nn.Module):
    """Every second pixel, and zeros for the channels that the input does not have."""

    def __init__(self, added_channels: int) -> None:
        super().__init__()
        self.before = added_channels // 2
        self.after = added_channels - self.before

    def forward(self, images: Tensor) -> Tensor:
        """(n, c, h, w) to (n, c + added, h/2, w/2)."""
        return functional.pad(images[:, :, ::2, ::2], (0, 0, 0, 0, self.before, self.after))


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut without parameters."""

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__()
        stride = 1 if channels_in == channels else 2
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.shortcut = nn.Identity() if stride == 1 else ShrinkingShortcut(channels - channels_in)

    def forward(self, images: Tensor) -> Tensor:
        """The block's answer, after the last ReLU."""
        residual = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(images)))))
        return torch.relu(residual + self.shortcut(images))


class CifarResNet(nn.Module):
    """ResNet-(6 blocks + 2) of He et al. 2016, section 4.2, with shortcuts of option A."""

    def __init__(self, blocks: int, classes: int = 10) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, _WIDTHS[0], 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(_WIDTHS[0])
        before = _WIDTHS[0]
        for number, width in enumerate(_WIDTHS, start=1):
            inputs = [before] + [width] * (blocks - 1)
            stage = nn.Sequential(*(ResidualBlock(channels, width) for channels in inputs))
            self.add_module(f"layer{number}", stage)
            before = width
        self.linear = nn.Linear(before, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits of (n, 3, 32, 32) images."""
        maps = torch.relu(self.bn1(self.conv1(images)))
        for number in range(1, len(_WIDTHS) + 1):
            maps = self.get_submodule(f"layer{number}")(maps)
        return self.linear(maps.mean(dim=(2, 3)))
