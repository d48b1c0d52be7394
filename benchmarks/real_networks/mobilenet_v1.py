"""MobileNet v1 with folded batch normalization, as TensorFlow pads it."""

# A call of nn.Module is typed Any.
# mypy: disable-error-code="no-any-return"

import torch
from torch import Tensor, nn

from benchmarks.real_networks.same_padding import pad_same

_STRIDES = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)
_WIDTHS = (64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)


class SameConv(nn.Module):
    """A biased convolution with "SAME" padding, then ReLU6."""

    def __init__(
        self, channels_in: int, channels: int, *, kernel: int = 3, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels, kernel, stride, groups=groups)

    def forward(self, images: Tensor) -> Tensor:
        """The activated maps."""
        padded = pad_same(images, self.conv.kernel_size, self.conv.stride)
        return torch.clamp(self.conv(padded), 0.0, 6.0)


def _separable(channels_in: int, channels: int, stride: int) -> nn.Sequential:
    """A depthwise 3x3 and a pointwise 1x1 convolution."""
    return nn.Sequential(
        SameConv(channels_in, channels_in, stride=stride, groups=channels_in),
        SameConv(channels_in, channels, kernel=1),
    )


class MobileNetV1(nn.Module):
    """Howard et al. 2017; ``width`` multiplies every channel count."""

    def __init__(self, width: float, classes: int = 1001) -> None:
        super().__init__()
        widths = [int(32 * width)] + [int(channels * width) for channels in _WIDTHS]
        self.stem = SameConv(3, widths[0], stride=2)
        self.blocks = nn.Sequential(
            *(
                _separable(before, after, stride)
                for before, after, stride in zip(widths, widths[1:], _STRIDES, strict=False)
            )
        )
        self.fc = nn.Linear(widths[-1], classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits of (n, 3, h, w) images; class 0 is the background."""
        maps = self.blocks(self.stem(images))
        return self.fc(maps.mean(dim=(2, 3)))
