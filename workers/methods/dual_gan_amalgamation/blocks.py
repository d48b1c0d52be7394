"""Student and teachers in the same number of blocks."""

import math
from collections.abc import Sequence
from itertools import combinations, pairwise

import torch
from torch import nn

from service.core.errors import MethodError
from service.core.manifest import InputSpec
from workers.programs import Layer, Program
from workers.torchkit.module_reader import evaluating
from workers.torchkit.students import StudentNetwork
from workers.torchkit.taps import gives_maps, last_of_every_size
from workers.torchkit.teachers import Teacher

Shape = tuple[int, ...]


class NotPartableError(MethodError):
    """A network cannot be parted into as many blocks as the others."""

    code = "not_partable"


def student_blocks(student: StudentNetwork, count: int | None) -> list[nn.Module]:
    """The student's blocks, the last of ``count`` taking all that are left.

    Raises:
        NotPartableError: The student has fewer.
    """
    found = list(student.blocks)
    if count is None or count == len(found):
        return found
    if count > len(found):
        raise NotPartableError(
            f"the student has {len(found)} blocks, not {count}",
            remedy="ask for fewer blocks, or another architecture",
        )
    return [*found[: count - 1], nn.Sequential(*found[count - 1 :])]


def shapes_of(
    blocks: Sequence[nn.Module], spec: InputSpec, device: torch.device
) -> tuple[Shape, ...]:
    """Shapes of the maps that the blocks put out."""
    value = torch.zeros(1, spec.channels, spec.height, spec.width, device=device)
    found = []
    with torch.no_grad():
        for block in blocks:
            with evaluating(block) as one:
                value = one(value)
            found.append(tuple(value.shape[1:]))
    return tuple(found)


def rests_of(
    teacher: Teacher, given: Sequence[str] | None, sides: Sequence[float]
) -> tuple[Program, ...]:
    """What follows each of a teacher's blocks but the last: there are as many as ``sides``.

    Args:
        given: Layers that blocks end with; None chooses them.
        sides: Side of the student's maps between blocks as a share of its image's.

    Raises:
        NotPartableError: Too few layers part it, or one that is given does not.
    """
    cuts = _chosen(teacher, sides) if given is None else _asked(teacher, given, len(sides))
    return tuple(teacher.program.after(one) for one in cuts)


def _maps(program: Program) -> list[Layer]:
    return [one for one in program.cuts if gives_maps(one)]


def _chosen(teacher: Teacher, sides: Sequence[float]) -> list[str]:
    """Of the last layers of every size those whose sizes are most like the student's."""
    lasts = last_of_every_size(_maps(teacher.program))
    if len(lasts) < len(sides):
        raise NotPartableError(
            f"{teacher.name} has {len(lasts)} sizes of maps that part it, {len(sides)} are needed",
            remedy="name its layers in cuts, or ask for fewer blocks",
        )
    whole = teacher.program.input_shape[1]

    def unlike(chosen: Sequence[Layer]) -> float:
        pairs = zip(chosen, sides, strict=True)
        return math.fsum(abs(math.log(one.shape[1] / whole / side)) for one, side in pairs)

    return [one.name for one in min(combinations(lasts, len(sides)), key=unlike)]


def _asked(teacher: Teacher, given: Sequence[str], count: int) -> list[str]:
    order = {one.name: place for place, one in enumerate(_maps(teacher.program))}
    strange = [name for name in given if name not in order]
    if strange or len(given) != count or any(order[a] >= order[b] for a, b in pairwise(given)):
        raise NotPartableError(
            f"{teacher.name} cannot be parted at {', '.join(given)[:200]}: {count} layers that"
            " give maps and that all later ones depend on alone are needed, in their order",
            remedy=f"choose among {', '.join(order)}"[:500],
        )
    return list(given)
