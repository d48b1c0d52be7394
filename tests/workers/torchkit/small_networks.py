"""Networks small enough for slow twins, each behind the reader protocol."""

import torch
from torch import nn

from workers.torchkit.attribution.canonical import Preprocessing
from workers.torchkit.attribution.module_reader import ModuleReader

SIDE = 12
PLAIN = Preprocessing(channels=3, height=SIDE, width=SIDE, mean=(0.4,) * 3, std=(0.3,) * 3)


def seeded(network: nn.Module, seed: int = 0) -> nn.Module:
    """The network with weights drawn from a generator of its own."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in network.parameters():
            weight.copy_(torch.randn(weight.shape, generator=generator) * 0.3)
    return network


def convolutional(activation: type[nn.Module] = nn.ReLU, *, channels: int = 3) -> nn.Sequential:
    """Two convolutions, a pool and two linear layers; the feature is layer "6"."""
    network = nn.Sequential(
        nn.Conv2d(channels, 6, 3, padding=1),
        activation(),
        nn.Conv2d(6, 8, 3, stride=2, padding=1),
        activation(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(32, 5),
        nn.Linear(5, 3),
    )
    seeded(network)
    return network


def reader_of(network: nn.Module, layer: str = "6", *, channels: int = 3) -> ModuleReader:
    """The network behind the protocol."""
    return ModuleReader(network, layer, input_shape=(channels, SIDE, SIDE))


def some_images(count: int = 5, *, side: int = SIDE, seed: int = 1) -> torch.Tensor:
    """Canonical images of random pixels."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, side, side, 3), generator=generator).to(torch.uint8)


def some_inputs(count: int = 4, *, channels: int = 3, seed: int = 2) -> torch.Tensor:
    """Network inputs of random numbers around 0."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, channels, SIDE, SIDE, generator=generator)
