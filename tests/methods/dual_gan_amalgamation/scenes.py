"""Small frozen teachers of the two kinds, for the tests of this folder."""

from pathlib import Path

import torch
from torch import nn

from service.core.catalog.dual_gan_amalgamation import DualGanAmalgamationParams
from service.core.manifest import InputSpec, TaskKind
from workers.methods.dual_gan_amalgamation import run
from workers.programs.exporting import export_network
from workers.programs.reading import read_program
from workers.torchkit.protocols import RecordingReporter
from workers.torchkit.training.evaluator import EvaluationSet
from workers.torchkit.training.task import DataFreeInputs, TrainingResult
from workers.torchkit.training.teachers import Teacher

SIDE = 16
QUICK = {
    "preset": "dfka",
    "budget": {"steps": 14},
    "batch_size": 8,
    "num_evaluations": 2,
    "checkpoint_interval_seconds": 0,
    "noise_units": 8,
    "generator_width": 4,
    "imitations": 2,
    "bn_weight": 1.0,
    "student": {"architecture": "strided", "width": 4},
}


def block(before: int, after: int) -> nn.Sequential:
    """Half the side."""
    convolution = nn.Conv2d(before, after, 3, stride=2, padding=1)
    return nn.Sequential(convolution, nn.BatchNorm2d(after), nn.ReLU())


def network(width: int, outputs: int, *, seed: int) -> nn.Module:
    """Three blocks that halve, the mean over places, a linear layer that is sure of itself."""
    torch.manual_seed(seed)
    steps = [block(3, width), block(width, width), block(width, width)]
    last = nn.Linear(width, outputs)
    nn.init.normal_(last.weight, std=20)
    return nn.Sequential(*steps, nn.AdaptiveAvgPool2d(1), nn.Flatten(), last).eval()


def teacher(
    folder: Path,
    labels: tuple[str, ...],
    *,
    width: int = 4,
    side: int = SIDE,
    task: TaskKind = TaskKind.MULTI_LABEL,
) -> Teacher:
    """A network with weights of its own; the folder keeps its archive for the next such teacher."""
    path = folder / f"{'-'.join(labels)}-{width}-{side}.pt2"
    if path.exists():
        program = read_program(path)
    else:
        seed = sum(map(ord, "".join(labels))) + width
        program = export_network(network(width, len(labels), seed=seed), (3, side, side), path)
    name = "".join(labels)
    return Teacher(name, name, program, InputSpec(height=side, width=side), task, labels)


def evaluation_set(labels: tuple[str, ...]) -> EvaluationSet:
    """Twelve images of noise, of which every second has each label."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (12, SIDE, SIDE, 3), generator=generator, dtype=torch.uint8)
    return EvaluationSet(images, torch.arange(12 * len(labels)).view(12, -1) % 2, labels)


def params(**changes: object) -> DualGanAmalgamationParams:
    """A quick training, with these changes."""
    return DualGanAmalgamationParams.model_validate({**QUICK, **changes})


def trained(
    teachers: tuple[Teacher, ...], reporter: RecordingReporter | None = None, **changes: object
) -> TrainingResult:
    """What the method makes of these teachers."""
    labels = tuple(dict.fromkeys(label for teacher in teachers for label in teacher.classes))
    eval_set = evaluation_set(labels) if teachers[0].task is TaskKind.MULTI_LABEL else None
    inputs = DataFreeInputs(name="student", teachers=teachers, evaluation_set=eval_set)
    return run(
        inputs, params(**changes), reporter if reporter is not None else RecordingReporter()
    )
