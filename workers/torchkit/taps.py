"""Layers of a frozen network that another network is compared with."""

import math
from collections.abc import Sequence

from workers.programs import Layer, Program
from workers.torchkit.teachers import NotTeachableError

_MAP_RANK = 3


def maps_of(program: Program) -> list[Layer]:
    """Layers whose output has channels, rows and columns, more than one place in all."""
    return [
        one
        for one in program.layers
        if len(one.shape) == _MAP_RANK and math.prod(one.shape[1:]) > 1
    ]


def named_layers(program: Program, names: Sequence[str]) -> list[Layer]:
    """The layers of these names. Raises NotTeachableError when there is none of one."""
    known = {one.name: one for one in program.layers}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise NotTeachableError(
            f"the network has no layer {unknown[0]!r}",
            remedy=f"choose among: {', '.join(list(known)[:30])}",
        )
    return [known[name] for name in names]


def last_map(program: Program) -> Layer:
    """The last layer with maps. Raises NotTeachableError when there is none."""
    found = maps_of(program)
    if not found:
        raise NotTeachableError(
            "the network has no layer with channels, rows and columns",
            remedy="name layers in teacher_layers; tokens of a square grid will do",
        )
    return found[-1]
