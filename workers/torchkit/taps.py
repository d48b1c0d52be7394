"""Layers of a frozen network that another network is compared with."""

import math
from collections.abc import Iterable, Sequence

from workers.programs import Layer, Program
from workers.torchkit.teachers import NotTeachableError

_MAP_RANK = 3


def gives_maps(layer: Layer) -> bool:
    """Whether the layer's output has channels, rows and columns."""
    return len(layer.shape) == _MAP_RANK


def maps_of(program: Program) -> list[Layer]:
    """Layers whose output has channels, rows and columns, more than one place in all.

    Raises:
        NotTeachableError: There is none.
    """
    found = [one for one in program.layers if gives_maps(one) and math.prod(one.shape[1:]) > 1]
    if not found:
        raise NotTeachableError(
            "the network has no layer with channels, rows and columns",
            remedy="name layers that the method can compare, or choose another network",
        )
    return found


def last_of_every_size(layers: Iterable[Layer]) -> list[Layer]:
    """Of layers with maps the last of each height and width, in their order."""
    lasts: dict[tuple[int, ...], Layer] = {}
    for one in layers:
        lasts.pop(one.shape[1:], None)
        lasts[one.shape[1:]] = one
    return list(lasts.values())


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


def named_maps(program: Program, names: Sequence[str]) -> list[Layer]:
    """The layers of these names. Raises NotTeachableError where one gives no maps."""
    found = named_layers(program, names)
    flat = [one.name for one in found if not gives_maps(one)]
    if flat:
        raise NotTeachableError(
            f"layer {flat[0]!r} has no channels, rows and columns",
            remedy=f"choose among: {', '.join(one.name for one in maps_of(program)[:30])}",
        )
    return found
