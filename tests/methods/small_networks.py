"""Teachers, images and evaluation sets small enough for tests of trainings."""

from pathlib import Path

import torch
from torch import Tensor, nn

from service.core.manifest import InputSpec, TaskKind
from workers.programs.exporting import export_network
from workers.torchkit.training.evaluator import EvaluationSet
from workers.torchkit.training.task import ImageInputs
from workers.torchkit.training.teachers import Teacher

SIDE = 16
LABELS = ("dark", "bright")


def convolutional(outputs: int = 2, *, seed: int = 0) -> nn.Module:
    """A convolution with batch statistics, then a linear layer; layer "1" is spatial."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, stride=2), nn.BatchNorm2d(6), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Linear(6, outputs),
    ).eval()  # fmt: skip


def teacher_of(
    network: nn.Module, folder: Path, *, classes: tuple[str, ...] = LABELS, name: str = "teacher"
) -> Teacher:
    """A classifier of red, green and blue frames."""
    program = export_network(network, (3, SIDE, SIDE), folder / f"{name}.pt2")
    spec = InputSpec(height=SIDE, width=SIDE)
    return Teacher(name, name, program, spec, TaskKind.CLASSIFICATION, classes)


def frames_of(labels: Tensor) -> Tensor:
    """Frames of noise, brighter where the label is 1."""
    noise = torch.randint(
        0, 120, (len(labels), SIDE, SIDE, 3), generator=torch.Generator().manual_seed(0)
    )
    return (noise + 120 * labels[:, None, None, None]).to(torch.uint8)


def image_inputs_of(*teachers: Teacher) -> ImageInputs:
    """48 images to learn from and 12 that judge, half of each dark."""
    labels = torch.arange(60) % 2
    frames = frames_of(labels)
    return ImageInputs(
        name="student",
        teachers=teachers,
        evaluation_set=EvaluationSet(frames[48:], labels[48:], LABELS),
        images=frames[:48],
        labels=labels[:48],
        label_names=LABELS,
    )


def assert_same_weights(actual: nn.Module, expected: nn.Module) -> None:
    """Equal to the last bit."""
    state = actual.state_dict()
    assert state.keys() == expected.state_dict().keys()
    for name, value in expected.state_dict().items():
        torch.testing.assert_close(state[name], value, rtol=0, atol=0)
