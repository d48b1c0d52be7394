"""Which source teaches which image, found once: sources are frozen and so are the images."""

import math
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from service.core.catalogue.adaptive_amalgamation import AdaptiveAmalgamationParams, Selection
from service.core.manifest import TaskKind
from workers.methods.adaptive_amalgamation.maths import (
    Ambiguity,
    bernoulli_closeness,
    bernoulli_entropy,
    closeness,
    entropy,
    one_of,
    shared,
    surest,
    temperature_for,
)
from workers.methods.adaptive_amalgamation.tasks import Assignment, Source
from workers.torchkit.teachers import Teacher

SMALLEST_SHARE = 0.01
_AT_ONCE = 256

Frames = UInt8[Tensor, "image side side 3"]
Weights = Float[Tensor, "source image"]
Answers = Float[Tensor, "image label"]

_ENTROPY = {TaskKind.CLASSIFICATION: entropy, TaskKind.MULTI_LABEL: bernoulli_entropy}
_CLOSENESS = {TaskKind.CLASSIFICATION: closeness, TaskKind.MULTI_LABEL: bernoulli_closeness}


def weights_of(
    task: Assignment,
    images: Frames,
    params: AdaptiveAmalgamationParams,
    *,
    ask: Callable[[Source], Answers],
    kind: TaskKind,
    generator: torch.Generator,
) -> Weights:
    """How much each source teaches each image; 1 over the sources of an image.

    Only ``random`` draws from the generator.

    Args:
        ask: All outputs of a source for all images, on the CPU.
    """
    sources, count = len(task.sources), len(images)
    if params.selection is Selection.AVERAGE:
        return torch.full((sources, count), 1 / sources)
    if params.selection is Selection.RANDOM:
        return one_of(torch.randint(sources, (count,), generator=generator), sources)
    told = [ask(one) for one in task.sources]
    ambiguity = _ambiguity(task, told, params.selection, kind)
    if params.selection is Selection.SOFT:
        return shared(ambiguity, softness=params.softness)
    return surest(ambiguity)


def kept(weights: Weights) -> list[int]:
    """Sources that teach at least a hundredth of the images."""
    return (weights.mean(dim=1) >= SMALLEST_SHARE).nonzero().flatten().tolist()


def answers_of(teacher: Teacher, images: Frames) -> Answers:
    """All that a network says of all images, on the CPU."""
    with torch.no_grad():
        parts = [
            teacher.answer(teacher.of_frames(part)).float().cpu()
            for part in images.split(_AT_ONCE)  # type: ignore[no-untyped-call]
        ]
    return torch.cat(parts)


def _ambiguity(
    task: Assignment, told: Sequence[Answers], selection: Selection, kind: TaskKind
) -> Float[Tensor, "source image"]:
    """How unsure every source of the task is of every image."""
    if selection is Selection.NORMALISED:
        return torch.stack([_normalized(one, kind) for one in told])
    own = [one[:, list(by.columns)] for by, one in zip(task.sources, told, strict=True)]
    if selection is Selection.CALIBRATED:
        return calibrated(own, _ENTROPY[kind])
    measure = _CLOSENESS if selection is Selection.MARGIN else _ENTROPY
    return torch.stack([measure[kind](one) for one in own])


def _normalized(answers: Tensor, kind: TaskKind) -> Tensor:
    """Share of the largest entropy that all outputs of a source could have."""
    if kind is TaskKind.MULTI_LABEL:
        return bernoulli_entropy(answers) / math.log(2)
    return entropy(answers) / math.log(answers.shape[1])


def calibrated(
    answers: Sequence[Float[Tensor, "image label"]], ambiguity: Ambiguity
) -> Float[Tensor, "source image"]:
    """Ambiguity of every source at the temperature where all have the same mean.

    The mean is that of all sources at temperature 1. No label is needed.
    """
    mean = float(torch.stack([ambiguity(one) for one in answers]).double().mean())
    temperatures = [temperature_for(one, mean, ambiguity) for one in answers]
    return torch.stack([ambiguity(one / t) for one, t in zip(answers, temperatures, strict=True)])
