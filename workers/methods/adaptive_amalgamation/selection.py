"""Selection of the source that teaches each image, computed once since both are fixed."""

import math
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from service.core.catalog.adaptive_amalgamation import AdaptiveAmalgamationParams, Selection
from service.core.manifest import TaskKind
from workers.methods.adaptive_amalgamation.maths import (
    bernoulli_closeness,
    closeness,
    most_confident,
    one_of,
    shared,
)
from workers.methods.adaptive_amalgamation.tasks import Assignment, Source
from workers.torchkit.training.teachers import Teacher
from workers.torchkit.training.temperatures import (
    Ambiguity,
    bernoulli_entropy,
    common_temperatures,
    entropy,
)

SMALLEST_SHARE = 0.01
_AT_ONCE = 256

Frames = UInt8[Tensor, "image side side 3"]
Weights = Float[Tensor, "source image"]
TeacherLogits = Float[Tensor, "image label"]

_ENTROPY = {TaskKind.CLASSIFICATION: entropy, TaskKind.MULTI_LABEL: bernoulli_entropy}
_CLOSENESS = {TaskKind.CLASSIFICATION: closeness, TaskKind.MULTI_LABEL: bernoulli_closeness}


def weights_of(
    task: Assignment,
    images: Frames,
    params: AdaptiveAmalgamationParams,
    *,
    outputs_of: Callable[[Source], TeacherLogits],
    kind: TaskKind,
    generator: torch.Generator,
) -> Weights:
    """Weights (source, image) of the sources, which sum to 1 for every image.

    Only ``Selection.RANDOM`` draws from the generator.

    Args:
        outputs_of: All outputs of a source for all images, on the CPU.
    """
    sources, count = len(task.sources), len(images)
    if params.selection is Selection.AVERAGE:
        return torch.full((sources, count), 1 / sources)
    if params.selection is Selection.RANDOM:
        return one_of(torch.randint(sources, (count,), generator=generator), sources)
    outputs = [outputs_of(source) for source in task.sources]
    ambiguity = _ambiguity(task, outputs, params.selection, kind)
    if params.selection is Selection.SOFT:
        return shared(ambiguity, softness=params.softness)
    return most_confident(ambiguity)


def selected_sources(weights: Weights) -> list[int]:
    """Indices of the sources that teach at least a hundredth of the images."""
    return (weights.mean(dim=1) >= SMALLEST_SHARE).nonzero().flatten().tolist()


def answers_of(teacher: Teacher, images: Frames) -> TeacherLogits:
    """Logits of a network on all images, on the CPU."""
    with torch.no_grad():
        parts = [
            teacher.answer(teacher.of_frames(part)).float().cpu()
            for part in images.split(_AT_ONCE)  # type: ignore[no-untyped-call]
        ]
    return torch.cat(parts)


def _ambiguity(
    task: Assignment, outputs: Sequence[TeacherLogits], selection: Selection, kind: TaskKind
) -> Float[Tensor, "source image"]:
    """Ambiguity of every source of the task on every image."""
    if selection is Selection.NORMALIZED:
        return torch.stack([_normalized(logits, kind) for logits in outputs])
    task_logits = [
        logits[:, list(source.columns)]
        for source, logits in zip(task.sources, outputs, strict=True)
    ]
    if selection is Selection.CALIBRATED:
        return calibrated(task_logits, _ENTROPY[kind])
    measure = _CLOSENESS if selection is Selection.MARGIN else _ENTROPY
    return torch.stack([measure[kind](logits) for logits in task_logits])


def _normalized(logits: Tensor, kind: TaskKind) -> Tensor:
    """Entropy over all outputs of a source as a share of its maximum, from 0 to 1."""
    if kind is TaskKind.MULTI_LABEL:
        return bernoulli_entropy(logits) / math.log(2)
    return entropy(logits) / math.log(logits.shape[1])


def calibrated(
    logits_by_source: Sequence[Float[Tensor, "image label"]], ambiguity: Ambiguity
) -> Float[Tensor, "source image"]:
    """Ambiguity of every source at the temperature that gives all sources the same mean.

    The common mean is that of all sources at temperature 1. No labels are needed.
    """
    # Overconfident sources would otherwise win every image, whether or not they are right.
    temperatures = common_temperatures(logits_by_source, ambiguity)
    return torch.stack(
        [
            ambiguity(logits / temperature)
            for logits, temperature in zip(logits_by_source, temperatures, strict=True)
        ]
    )
