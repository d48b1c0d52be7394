"""The output of a network that counts, and its numbers as logits.

All methods read a network through ``with_logits``, so softmax turns its output into probabilities
exactly once, whether or not the network ends in one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

from service.core.manifest import TaskKind
from service.core.output_scales import OutputScale
from workers.programs.exporting import example_images
from workers.programs.inspection import PROBES
from workers.programs.instructions import Instruction, Slot
from workers.programs.liveness import PassKind
from workers.programs.memory_needs import images_at_once
from workers.programs.operators import operator_of
from workers.programs.program import OUTPUT, Program

# Half precision sums a thousand classes to within a thousandth.
_SUM_TOLERANCE = 5e-3
_FEWEST_CLASSES = 2
_CLASSES = 1
_SMALLEST = torch.finfo(torch.float32).tiny
_STEP = torch.finfo(torch.float32).eps

Call = tuple[str, tuple[float, ...]]
_LOGARITHM: tuple[Call, ...] = (("clamp_min", (_SMALLEST,)), ("log", ()))
_LOGIT: tuple[Call, ...] = (
    ("clamp", (_STEP, 1 - _STEP)),
    ("reciprocal", ()),
    ("sub.Scalar", (1.0,)),
    ("log", ()),
    ("neg", ()),
)


def scale_of(outputs: Float[Tensor, "image class *pixel"], *, task: TaskKind | str) -> OutputScale:
    """What the outputs for some images are."""
    if outputs.ndim < _FEWEST_CLASSES or not len(outputs):
        return OutputScale.LOGITS
    values = outputs.detach().double()
    if task == TaskKind.MULTI_LABEL:
        within_one = bool(((values >= 0) & (values <= 1)).all())
        return OutputScale.PROBABILITIES if within_one else OutputScale.LOGITS
    if outputs.shape[_CLASSES] < _FEWEST_CLASSES:
        return OutputScale.LOGITS
    if bool((values >= 0).all()) and _sum_to_one(values):
        return OutputScale.PROBABILITIES
    if bool((values <= 0).all()) and _sum_to_one(values.exp()):
        return OutputScale.LOG_PROBABILITIES
    return OutputScale.LOGITS


def _sum_to_one(values: Tensor) -> bool:
    return bool(((values.sum(dim=_CLASSES) - 1).abs() <= _SUM_TOLERANCE).all())


def class_probabilities(
    outputs: Float[Tensor, "image class *pixel"],
    *,
    task: TaskKind | str,
    scale: OutputScale | None = None,
) -> Float[Tensor, "image class *pixel"]:
    """Probabilities of the classes, or of each label of a multi-label network.

    Args:
        scale: What the outputs are; None measures it on them.
    """
    if (scale or scale_of(outputs, task=task)) is OutputScale.PROBABILITIES:
        return outputs
    return outputs.sigmoid() if task == TaskKind.MULTI_LABEL else outputs.softmax(dim=_CLASSES)


def measured_scale(
    program: Program, *, task: TaskKind | str, memory_bytes: int | None = None
) -> OutputScale:
    """What the program's output is, on fixed noise images.

    Raises:
        NotEnoughMemoryError: Not even one image fits ``memory_bytes``.
        ProgramFailedError: An instruction failed.
    """
    count = images_at_once(
        program, most=PROBES, least=1, kind=PassKind.FORWARD, limit_bytes=memory_bytes
    )
    images = example_images(count, program.input_shape).to(program.device)
    with torch.no_grad():
        return scale_of(program.read(images, [OUTPUT])[OUTPUT], task=task)


def with_output(program: Program, name: str | None) -> Program:
    """The network with the output of this name as its only one; None leaves it as it is.

    Raises:
        KeyError: It has no such output.
    """
    if name is None:
        return program
    names = [output.name for output in program.outputs]
    if name not in names:
        raise KeyError(f"the network has no output {name!r}, only {', '.join(names)}")
    if len(names) == 1:
        return program
    index = names.index(name)
    output = program.outputs[index]
    listing = replace(program.listing, outputs=(program.listing.outputs[index],))
    return program.with_interface(listing=listing, output_shape=output.shape, outputs=(output,))


def with_logits(program: Program, scale: OutputScale, *, task: TaskKind | str) -> Program:
    """The network with logits as its output.

    Their softmax, or sigmoid for a multi-label task, are the probabilities of the network.
    Log-probabilities are logits already. The conversion is part of the program, so it is in every
    pass, and gradients flow through it. Probabilities below the smallest normal float32 count as
    that one.
    """
    if scale is not OutputScale.PROBABILITIES:
        return program
    calls = _LOGIT if task == TaskKind.MULTI_LABEL else _LOGARITHM
    appended = tuple(_chain(calls, program))
    listing = replace(
        program.listing,
        instructions=(*program.listing.instructions, *appended),
        outputs=(appended[-1].outputs[0], *program.listing.outputs[1:]),
    )
    return program.with_interface(listing=listing)


def _chain(calls: Sequence[Call], program: Program) -> Iterator[Instruction]:
    """Instructions that apply one call after another to the first output."""
    listing = program.listing
    used = [listing.image, *listing.weights, *listing.outputs]
    used += [slot for call in listing.instructions for slot in call.outputs]
    first = max(used) + 1
    slots = [listing.outputs[0], *range(first, first + len(calls))]
    for (name, constants), (source, result) in zip(calls, pairwise(slots), strict=True):
        target = name if "." in name else f"{name}.default"
        yield Instruction(
            name=f"logits_{name.partition('.')[0]}",
            operator=operator_of(f"torch.ops.aten.{target}"),
            positional=(Slot(source), *constants),
            named=(),
            outputs=(result,),
            many=False,
            reads=(source,),
            modules=(),
        )
