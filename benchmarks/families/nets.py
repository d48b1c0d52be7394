"""Four small architectures for gray pictures of 8 × 8."""

# A call of nn.Module is typed Any.
# mypy: disable-error-code="no-any-return"

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

SIDE = 8


class HeadedNetwork(nn.Module):
    """A backbone with a linear head."""

    def __init__(self, body: nn.Module, features: int, labels: int) -> None:
        super().__init__()
        self.body = body
        self.head = nn.Linear(features, labels)

    def forward(self, images: Tensor) -> Tensor:
        """Logits of (n, 1, 8, 8) images."""
        return self.head(self.body(images))


class RenamedNetwork(nn.Module):
    """The same network under other names, its head defined first."""

    def __init__(self, network: HeadedNetwork) -> None:
        super().__init__()
        self.classifier = network.head
        self.encoder = nn.ModuleDict({"stages": network.body})

    def forward(self, images: Tensor) -> Tensor:
        """Logits of the network."""
        return self.classifier(self.encoder["stages"](images))


class ResidualPair(nn.Module):
    """Two convolutions with batch statistics beside a path that leaves its input alone."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Maps of the same shape."""
        return torch.relu(maps + self.inner(maps))


class Patches(nn.Module):
    """Patches of 2 × 2 as tokens with positions, two transformer layers, their mean."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.embed = nn.Conv2d(1, width, 2, stride=2)
        self.positions = nn.Parameter(0.02 * torch.randn(1, (SIDE // 2) ** 2, width))
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(width, 4, 2 * width, dropout=0.0, batch_first=True)
            for _ in range(2)
        )

    def forward(self, images: Tensor) -> Tensor:
        """Features of (n, 1, 8, 8) images."""
        tokens = self.embed(images).flatten(2).transpose(1, 2) + self.positions
        for layer in self.layers:
            tokens = layer(tokens)
        return tokens.mean(1)


def plain(labels: int) -> HeadedNetwork:
    """Three convolutions without normalization."""
    return HeadedNetwork(
        nn.Sequential(
            *(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(), nn.Flatten()),
        ),
        32 * 4,
        labels,
    )


def residual(labels: int) -> HeadedNetwork:
    """Two residual blocks with batch statistics."""
    return HeadedNetwork(
        nn.Sequential(
            *(nn.Conv2d(1, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()),
            *(ResidualPair(16), nn.MaxPool2d(2), ResidualPair(16)),
            *(nn.AdaptiveAvgPool2d(2), nn.Flatten()),
        ),
        64,
        labels,
    )


def depthwise(labels: int) -> HeadedNetwork:
    """Depthwise and pointwise convolutions with batch statistics."""
    return HeadedNetwork(
        nn.Sequential(
            *(nn.Conv2d(1, 24, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(24), nn.ReLU()),
            *(nn.Conv2d(24, 24, 3, padding=1, groups=24, bias=False), nn.BatchNorm2d(24)),
            *(nn.Conv2d(24, 48, 1, bias=False), nn.BatchNorm2d(48), nn.ReLU()),
            *(nn.Conv2d(48, 48, 3, padding=1, groups=48, bias=False), nn.BatchNorm2d(48)),
            *(nn.Conv2d(48, 48, 1, bias=False), nn.BatchNorm2d(48), nn.ReLU()),
            *(nn.AdaptiveAvgPool2d(2), nn.Flatten()),
        ),
        192,
        labels,
    )


def transformer(labels: int) -> HeadedNetwork:
    """A small vision transformer."""
    return HeadedNetwork(Patches(), 32, labels)


ARCHITECTURES: Mapping[str, Callable[[int], HeadedNetwork]] = {
    "plain": plain,
    "residual": residual,
    "depthwise": depthwise,
    "transformer": transformer,
}
