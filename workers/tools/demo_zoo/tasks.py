"""The tasks of the demo networks, and their images."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from service.core.manifest import InputSpec, TaskKind
from workers.tools.demo_zoo import networks
from workers.tools.demo_zoo.images import SIDE, Pictures, digits, patches
from workers.tools.demo_zoo.networks import Network

NOISE = 0.4
ExampleMaker = Callable[[Pictures, torch.Generator], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class DemoTask:
    """One network to train.

    ``examples`` turns a batch of pictures into inputs and targets. Integer targets are classes, others
    are images. ``steps`` 0 leaves the network untrained.
    """

    name: str
    text: str
    kind: TaskKind
    pictures: Callable[[], Pictures]
    examples: ExampleMaker
    build: Callable[[], Network]
    input: InputSpec
    classes: tuple[str, ...] | None = None
    steps: int = 220


def gray(side: int = SIDE) -> InputSpec:
    """Input of one luma channel, normalized around zero."""
    return InputSpec(channels=1, height=side, width=side, mean=(0.3,), std=(0.35,))


def color() -> InputSpec:
    """Input of three channels, normalized around zero."""
    return InputSpec(channels=3, height=SIDE, width=SIDE, mean=(0.5,) * 3, std=(0.25,) * 3)


def as_they_are(pictures: Pictures, _generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Task: predict the label."""
    return pictures.frames, pictures.labels


def parity(pictures: Pictures, _generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Task: predict whether the digit is even or odd."""
    return pictures.frames, pictures.labels % 2


def rotation(pictures: Pictures, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Task: predict the rotation in quarter turns."""
    quarters = torch.randint(4, (len(pictures),), generator=generator)
    turned = [
        torch.rot90(frame, int(quarter), (1, 2))
        for frame, quarter in zip(pictures.frames, quarters, strict=True)
    ]
    return torch.stack(turned), quarters


def itself(pictures: Pictures, _generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Task: reconstruct the picture through a narrow code."""
    return pictures.frames, pictures.frames


def without_noise(pictures: Pictures, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Task: remove Gaussian noise from the picture."""
    noise = NOISE * torch.randn(pictures.frames.shape, generator=generator)
    return (pictures.frames + noise).clamp(0, 1), pictures.frames


def all_digits() -> Pictures:
    """The digits for training networks of the zoo."""
    return digits().training


def low_digits() -> Pictures:
    """The training digits from 0 to 4."""
    digits_of_zoo = all_digits()
    return digits_of_zoo.at((digits_of_zoo.labels < 5).nonzero().squeeze(1))  # noqa: PLR2004


def loss(outputs: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy for classes, mean squared error for images."""
    if targets.is_floating_point():
        return functional.mse_loss(outputs, targets)
    return functional.cross_entropy(outputs, targets)


def _digit_names(count: int) -> tuple[str, ...]:
    return tuple(str(digit) for digit in range(count))


def _conv(classes: int, channels: int = 1) -> Callable[[], Network]:
    return lambda: networks.classifier(networks.conv_encoder, channels=channels, classes=classes)


_CLASSES = TaskKind.CLASSIFICATION
_TEN = _digit_names(10)

TASKS = (
    DemoTask("digits-conv", "which digit", _CLASSES, all_digits, as_they_are, _conv(10), gray(), _TEN),
    DemoTask(
        "digits-residual", "which digit", _CLASSES, all_digits, as_they_are,
        lambda: networks.classifier(networks.residual_encoder, channels=1, classes=10), gray(), _TEN,
    ),
    DemoTask(
        "digits-mlp", "which digit", _CLASSES, all_digits, as_they_are,
        lambda: networks.classifier(networks.mlp_encoder, channels=1, classes=10), gray(16), _TEN,
    ),
    DemoTask(
        "digits-transformer", "which digit", _CLASSES, all_digits, as_they_are,
        lambda: networks.classifier(networks.TransformerEncoder, channels=3, classes=10), color(), _TEN,
    ),
    DemoTask(
        "low-digits-conv", "which digit from 0 to 4", _CLASSES, low_digits, as_they_are,
        _conv(5), gray(), _digit_names(5),
    ),
    DemoTask("parity-conv", "even or odd", _CLASSES, all_digits, parity, _conv(2), gray(), ("even", "odd")),
    DemoTask(
        "rotation-conv", "turned by how much", _CLASSES, all_digits, rotation, _conv(4), gray(),
        ("0", "90", "180", "270"),
    ),
    DemoTask(
        "digits-autoencoder", "the digit again", TaskKind.AUTOENCODING, all_digits, itself,
        lambda: networks.image_to_image(channels=1), gray(), steps=140,
    ),
    DemoTask(
        "digits-denoiser", "the digit below noise", TaskKind.DENOISING, all_digits, without_noise,
        lambda: networks.image_to_image(channels=1), gray(), steps=140,
    ),
    DemoTask(
        "photos-conv", "temple or flower", _CLASSES, patches, as_they_are, _conv(2, 3), color(),
        ("temple", "flower"),
    ),
    DemoTask(
        "photos-autoencoder", "the patch again", TaskKind.AUTOENCODING, patches, itself,
        lambda: networks.image_to_image(channels=3), color(), steps=140,
    ),
    DemoTask(
        "untrained-conv", "nothing: a control", _CLASSES, all_digits, as_they_are, _conv(10), gray(),
        _TEN, steps=0,
    ),
)  # fmt: skip
