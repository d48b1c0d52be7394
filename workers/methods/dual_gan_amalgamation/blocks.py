"""Partition of student and teachers into the same number of blocks."""

import math
from collections.abc import Sequence
from itertools import combinations, pairwise

import torch
from torch import nn

from service.core.errors import MethodError
from service.core.manifest import InputSpec
from workers.programs import Program, ProgramLayer
from workers.torchkit.attribution.module_reader import evaluating
from workers.torchkit.training.students import StudentNetwork
from workers.torchkit.training.taps import gives_maps, last_of_every_size
from workers.torchkit.training.teachers import Teacher

Shape = tuple[int, ...]


class NotPartableError(MethodError):
    """A network cannot be partitioned into as many blocks as the others."""

    code = "not_partable"


def student_blocks(student: StudentNetwork, count: int | None) -> list[nn.Module]:
    """The student's blocks; the last of ``count`` contains all remaining ones.

    Raises:
        NotPartableError: The student has fewer blocks.
    """
    blocks = list(student.blocks)
    if count is None or count == len(blocks):
        return blocks
    if count > len(blocks):
        raise NotPartableError(
            f"the student has {len(blocks)} blocks, not {count}",
            remedy="request fewer blocks, or another architecture",
        )
    return [*blocks[: count - 1], nn.Sequential(*blocks[count - 1 :])]


def shapes_of(
    blocks: Sequence[nn.Module], spec: InputSpec, device: torch.device
) -> tuple[Shape, ...]:
    """Shapes (channel, row, column) of the blocks' output maps."""
    value = torch.zeros(1, spec.channels, spec.height, spec.width, device=device)
    shapes = []
    with torch.no_grad():
        for block in blocks:
            with evaluating(block) as evaluated:
                value = evaluated(value)
            shapes.append(tuple(value.shape[1:]))
    return tuple(shapes)


def remainders_of(
    teacher: Teacher, layer_names: Sequence[str] | None, sides: Sequence[float]
) -> tuple[Program, ...]:
    """The remainder of a teacher after each of its blocks except the last, one per side.

    Args:
        layer_names: Last layers of the blocks; None chooses them.
        sides: Side of the student's maps between blocks, as a share of its image side.

    Raises:
        NotPartableError: Too few layers can end a block, or a listed layer cannot.
    """
    cuts = (
        _choose_cuts(teacher, sides)
        if layer_names is None
        else _require_cuts(teacher, layer_names, len(sides))
    )
    return tuple(teacher.program.after(cut) for cut in cuts)


def _map_layers(program: Program) -> list[ProgramLayer]:
    return [layer for layer in program.cuts if gives_maps(layer)]


def _choose_cuts(teacher: Teacher, sides: Sequence[float]) -> list[str]:
    """The last layers of each size whose relative sizes are closest to the student's."""
    lasts = last_of_every_size(_map_layers(teacher.program))
    if len(lasts) < len(sides):
        raise NotPartableError(
            f"{teacher.name} can be cut at {len(lasts)} sizes of maps, but {len(sides)} are needed",
            remedy="list its layers in cuts, or request fewer blocks",
        )
    image_side = teacher.program.input_shape[1]

    def unlike(layers: Sequence[ProgramLayer]) -> float:
        pairs = zip(layers, sides, strict=True)
        return math.fsum(
            abs(math.log(layer.shape[1] / image_side / side)) for layer, side in pairs
        )

    return [layer.name for layer in min(combinations(lasts, len(sides)), key=unlike)]


def _require_cuts(teacher: Teacher, layer_names: Sequence[str], count: int) -> list[str]:
    order = {layer.name: index for index, layer in enumerate(_map_layers(teacher.program))}
    unknown = [name for name in layer_names if name not in order]
    if (
        unknown
        or len(layer_names) != count
        or any(order[a] >= order[b] for a, b in pairwise(layer_names))
    ):
        raise NotPartableError(
            f"{teacher.name} cannot be cut at {', '.join(layer_names)[:200]}: it needs {count} layers in"
            " order whose maps are the only input of all later layers",
            remedy=f"choose among {', '.join(order)}"[:500],
        )
    return list(layer_names)
