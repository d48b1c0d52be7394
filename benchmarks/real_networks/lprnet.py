"""LPRNet: number plates read column by column (Zherzdev and Gruzdev 2018)."""

# A call of nn.Module is typed Any.
# mypy: disable-error-code="no-any-return"

import torch
from torch import Tensor, nn
from torch.nn import functional

PROVINCES = "京沪津渝冀晋蒙辽吉黑苏浙皖闽赣鲁豫鄂湘粤桂琼川贵云藏陕甘青宁新"
SYMBOLS = tuple(PROVINCES + "0123456789ABCDEFGHJKLMNPQRSTUVWXYZIO-")
BLANK = len(SYMBOLS) - 1
_KEPT = (2, 6, 13, 22)


class NarrowBlock(nn.Module):
    """A bottleneck of 3x1 and 1x3 convolutions at a quarter of the channels."""

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__()
        narrow = channels // 4
        self.block = nn.Sequential(
            nn.Conv2d(channels_in, narrow, 1),
            nn.ReLU(),
            nn.Conv2d(narrow, narrow, (3, 1), padding=(1, 0)),
            nn.ReLU(),
            nn.Conv2d(narrow, narrow, (1, 3), padding=(0, 1)),
            nn.ReLU(),
            nn.Conv2d(narrow, channels, 1),
        )

    def forward(self, maps: Tensor) -> Tensor:
        """(n, channels, h, w)."""
        return self.block(maps)


class ThinningPool(nn.Module):
    """A 3x3 maximum that also keeps only every ``channel_stride``-th channel."""

    def __init__(self, channel_stride: int, column_stride: int) -> None:
        super().__init__()
        self.channel_stride = channel_stride
        self.stride = (1, column_stride)

    def forward(self, maps: Tensor) -> Tensor:
        """(n, c / channel_stride, h - 2, ...)."""
        return functional.max_pool2d(maps[:, :: self.channel_stride], 3, self.stride)


def _backbone(symbols: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 64, 3),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        ThinningPool(1, 1),
        NarrowBlock(64, 128),
        nn.BatchNorm2d(128),
        nn.ReLU(),
        ThinningPool(2, 2),
        NarrowBlock(64, 256),
        nn.BatchNorm2d(256),
        nn.ReLU(),
        NarrowBlock(256, 256),
        nn.BatchNorm2d(256),
        nn.ReLU(),
        ThinningPool(4, 2),
        nn.Identity(),
        nn.Conv2d(64, 256, (1, 4)),
        nn.BatchNorm2d(256),
        nn.ReLU(),
        nn.Identity(),
        nn.Conv2d(256, symbols, (13, 1)),
        nn.BatchNorm2d(symbols),
        nn.ReLU(),
    )


class LPRNet(nn.Module):
    """Scores of every symbol at 18 places along a plate of 24x94 pixels.

    The context maps are divided by the mean square of each image. The published network takes
    that mean over the whole batch, so that an answer depends on its neighbors; for one image
    at a time, as the claimed figure was measured, both are the same.
    """

    def __init__(self, symbols: int = len(SYMBOLS)) -> None:
        super().__init__()
        self.backbone = _backbone(symbols)
        self.container = nn.Sequential(nn.Conv2d(448 + symbols, symbols, 1))

    def forward(self, images: Tensor) -> Tensor:
        """(n, symbols, 18) for (n, 3, 24, 94)."""
        maps, features = images, []
        for number, layer in enumerate(self.backbone):
            maps = layer(maps)
            if number in _KEPT:
                features.append(maps)
        context = [_scaled(_shrunk(feature, depth)) for depth, feature in enumerate(features)]
        return self.container(torch.cat(context, dim=1)).mean(dim=2)


def _shrunk(maps: Tensor, depth: int) -> Tensor:
    """Maps of every depth on the grid of the last one, 4 rows by 18 columns."""
    if depth < 2:
        return functional.avg_pool2d(maps, 5, 5)
    return functional.avg_pool2d(maps, (4, 10), (4, 2)) if depth == 2 else maps


def _scaled(maps: Tensor) -> Tensor:
    return maps / maps.square().mean(dim=(1, 2, 3), keepdim=True)


def plates(scores: Tensor) -> list[str]:
    """The text of each image: best symbol per place, repetitions and blanks dropped."""
    texts = []
    for row in scores.argmax(dim=1).tolist():
        previous = [BLANK, *row[:-1]]
        symbols = [
            symbol
            for symbol, last in zip(row, previous, strict=True)
            if symbol not in (last, BLANK)
        ]
        texts.append("".join(SYMBOLS[symbol] for symbol in symbols))
    return texts
