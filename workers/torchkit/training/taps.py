"""Selection of the frozen network's layers with which a student is compared."""

import math
from collections.abc import Iterable, Sequence

from workers.programs import Program, ProgramLayer
from workers.torchkit.training.teachers import NotTeachableError

_MAP_RANK = 3


def gives_maps(layer: ProgramLayer) -> bool:
    """Whether the layer's output has channels, rows and columns."""
    return len(layer.shape) == _MAP_RANK


def maps_of(program: Program) -> list[ProgramLayer]:
    """Layers whose output has channels, rows and columns, and more than one position.

    Raises:
        NotTeachableError: The network has no such layer.
    """
    layers = [
        layer for layer in program.layers if gives_maps(layer) and math.prod(layer.shape[1:]) > 1
    ]
    if not layers:
        raise NotTeachableError(
            "the network has no layer with channels, rows and columns",
            remedy="name layers with spatial output, or choose another network",
        )
    return layers


def last_of_every_size(layers: Iterable[ProgramLayer]) -> list[ProgramLayer]:
    """The last layer of each height and width, in their order."""
    lasts: dict[tuple[int, ...], ProgramLayer] = {}
    for layer in layers:
        lasts.pop(layer.shape[1:], None)
        lasts[layer.shape[1:]] = layer
    return list(lasts.values())


def named_layers(program: Program, names: Sequence[str]) -> list[ProgramLayer]:
    """The layers of these names. Raises NotTeachableError if one does not exist."""
    by_name = {layer.name: layer for layer in program.layers}
    unknown = [name for name in names if name not in by_name]
    if unknown:
        raise NotTeachableError(
            f"the network has no layer {unknown[0]!r}",
            remedy=f"choose among: {', '.join(list(by_name)[:30])}",
        )
    return [by_name[name] for name in names]


def named_maps(program: Program, names: Sequence[str]) -> list[ProgramLayer]:
    """The layers of these names. Raises NotTeachableError if one has no maps."""
    layers = named_layers(program, names)
    flat = [layer.name for layer in layers if not gives_maps(layer)]
    if flat:
        raise NotTeachableError(
            f"layer {flat[0]!r} has no channels, rows and columns",
            remedy=f"choose among: {', '.join(layer.name for layer in maps_of(program)[:30])}",
        )
    return layers
