"""The demo's architectures: an encoder, whose output is the feature, and a head or decoder."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTH = 16
CODE = 64


class Network(nn.Module):
    """An encoder whose output is the feature, then a task-specific head."""

    def __init__(self, encoder: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = head

    def forward(self, images: Tensor) -> Tensor:
        """(n, channels, height, width) → logits (n, classes), or images."""
        output: Tensor = self.head(self.encoder(images))
        return output


def conv_encoder(channels: int) -> nn.Module:
    """Three strided convolutions: (n, channels, 32, 32) → (n, 64, 4, 4)."""
    return nn.Sequential(
        *_halving(channels, WIDTH), *_halving(WIDTH, 2 * WIDTH), *_halving(2 * WIDTH, CODE)
    )


def _halving(channels: int, width: int) -> tuple[nn.Module, ...]:
    """A convolution of stride 2 with normalization."""
    return (
        nn.Conv2d(channels, width, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
    )


def mlp_encoder(channels: int) -> nn.Module:
    """Two hidden layers on 16 × 16 pixels: (n, channels, 16, 16) → (n, 64)."""
    hidden = 128
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(channels * 16 * 16, hidden),
        nn.GELU(),
        nn.Linear(hidden, CODE),
        nn.GELU(),
    )


class Residual(nn.Module):
    """A convolutional residual block of constant width."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()
        )
        self.second = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        )

    def forward(self, features: Tensor) -> Tensor:
        """Features of the same shape."""
        return functional.relu(features + self.second(self.first(features)))


def residual_encoder(channels: int) -> nn.Module:
    """Two residual blocks behind strided convolutions: (n, channels, 32, 32) → (n, 64, 4, 4)."""
    return nn.Sequential(
        *_halving(channels, WIDTH),
        *_halving(WIDTH, 2 * WIDTH),
        Residual(2 * WIDTH),
        *_halving(2 * WIDTH, CODE),
        Residual(CODE),
    )


class Attending(nn.Module):
    """A pre-norm transformer block over tokens of width 64 with four heads."""

    HEADS = 4

    def __init__(self) -> None:
        super().__init__()
        self.before_attention = nn.LayerNorm(CODE)
        self.queries_keys_values = nn.Linear(CODE, 3 * CODE)
        self.mixed = nn.Linear(CODE, CODE)
        self.perceptron = nn.Sequential(
            nn.LayerNorm(CODE), nn.Linear(CODE, 2 * CODE), nn.GELU(), nn.Linear(2 * CODE, CODE)
        )

    def forward(self, tokens: Tensor) -> Tensor:
        """(n, tokens, 64) → the same shape."""
        images, count, _ = tokens.shape
        projected = self.queries_keys_values(self.before_attention(tokens))
        split = projected.reshape(images, count, 3, self.HEADS, CODE // self.HEADS)
        queries, keys, values = split.permute(2, 0, 3, 1, 4).unbind(0)
        attended = functional.scaled_dot_product_attention(queries, keys, values)
        tokens = tokens + self.mixed(attended.transpose(1, 2).reshape(images, count, CODE))
        blended: Tensor = tokens + self.perceptron(tokens)
        return blended


class TransformerEncoder(nn.Module):
    """A tiny vision transformer: patches of 8 × 8, three blocks, the mean of its tokens."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.patches = nn.Conv2d(channels, CODE, 8, stride=8)
        self.position_embedding = nn.Parameter(0.02 * torch.randn(1, 16, CODE))
        self.blocks = nn.Sequential(Attending(), Attending(), Attending())
        self.norm = nn.LayerNorm(CODE)

    def forward(self, images: Tensor) -> Tensor:
        """(n, channels, 32, 32) → (n, 64)."""
        tokens = self.patches(images).flatten(2).transpose(1, 2) + self.position_embedding
        feature: Tensor = self.norm(self.blocks(tokens)).mean(dim=1)
        return feature


def classifier(encoder: Callable[[int], nn.Module], *, channels: int, classes: int) -> Network:
    """A network with one logit per class."""
    body = encoder(channels)
    side = 16 if encoder is mlp_encoder else 32
    with torch.no_grad():
        shape = body.eval()(torch.zeros(1, channels, side, side)).shape
    return Network(body.train(), nn.Sequential(nn.Flatten(), nn.Linear(shape.numel(), classes)))


def image_to_image(*, channels: int) -> Network:
    """A network whose output is an image of the size of its input."""
    decoder = nn.Sequential(
        *_doubling(CODE, 2 * WIDTH),
        *_doubling(2 * WIDTH, WIDTH),
        nn.Upsample(scale_factor=2),
        nn.Conv2d(WIDTH, channels, 3, padding=1),
    )
    return Network(conv_encoder(channels), decoder)


def _doubling(channels: int, width: int) -> tuple[nn.Module, ...]:
    """Nearest-neighbor upsampling, then a convolution."""
    return (
        nn.Upsample(scale_factor=2),
        nn.Conv2d(channels, width, 3, padding=1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
    )
