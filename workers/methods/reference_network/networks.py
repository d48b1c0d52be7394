"""The reference network: convolutions, one pooled feature, one linear layer."""

import math
from collections import OrderedDict

import torch
from jaxtyping import Float
from torch import Tensor, nn

_SMALL_SIDE = 32
_CHANNELS = 3


class ReferenceNetwork(nn.Module):
    """Three stages of two convolutions; the mean of the last stage is the feature.

    The stem halves frames above 32 pixels.
    """

    def __init__(self, *, width: int, labels: int, side: int) -> None:
        super().__init__()
        stride = 2 if side > _SMALL_SIDE else 1
        self.stem = _convolution(_CHANNELS, width, stride=stride)
        self.stages = nn.Sequential(
            _stage(width, width, stride=1),
            _stage(width, 2 * width, stride=2),
            _stage(2 * width, 4 * width, stride=2),
        )
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(4 * width, labels)

    def forward(
        self, images: Float[Tensor, "image channel row column"]
    ) -> Float[Tensor, "image label"]:
        """Logits."""
        feature = self.pool(self.stages(self.stem(images))).flatten(1)
        logits: Float[Tensor, "image label"] = self.head(feature)
        return logits


def reference_network(
    *, width: int, labels: int, side: int, generator: torch.Generator
) -> ReferenceNetwork:
    """A new network with weights drawn from the generator only."""
    network = ReferenceNetwork(width=width, labels=labels, side=side)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
        if isinstance(module, nn.Linear):
            bound = 1 / math.sqrt(module.in_features)
            nn.init.uniform_(module.weight, -bound, bound, generator=generator)
            nn.init.zeros_(module.bias)
    return network


def _convolution(channels: int, width: int, *, stride: int) -> nn.Sequential:
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        convolution=nn.Conv2d(channels, width, 3, stride=stride, padding=1, bias=False),
        norm=nn.BatchNorm2d(width),
        relu=nn.ReLU(),
    )
    return nn.Sequential(layers)


def _stage(channels: int, width: int, *, stride: int) -> nn.Sequential:
    return nn.Sequential(
        _convolution(channels, width, stride=stride), _convolution(width, width, stride=1)
    )
