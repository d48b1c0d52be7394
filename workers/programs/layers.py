"""The layer list of a program, and the layer whose output stands for its features."""

from collections.abc import Mapping
from dataclasses import dataclass

from workers.programs.instructions import Instruction, Listing, Slot
from workers.programs.interface import ProgramLayer

_LINEAR = {"linear", "addmm", "mm"}
_CONVOLUTIONS = {"conv1d", "conv2d", "conv3d", "convolution", "conv_transpose2d"}
_CLASSIFIER_RANK, _IMAGE_RANK = 2, 4


@dataclass(frozen=True)
class Cuts:
    """Named layers in order of execution, their slots, and the default feature layer."""

    layers: tuple[ProgramLayer, ...]
    slots: Mapping[str, int]
    feature_layer: str


def cuts_of(listing: Listing, shapes: Mapping[int, tuple[int, ...]], batch: int) -> Cuts:
    """All layers at which the network can be cut.

    A module's output is that of its last call, named by the module's path; calls outside modules
    are named by their node. Values without one entry per image are excluded.

    Args:
        listing: The calls.
        shapes: Shapes of the values that depend on the image.
        batch: Number of images in these values.
    """
    ends: dict[str, tuple[int, str]] = {}
    for index, instruction in enumerate(listing.instructions):
        for path, kind in instruction.layers:
            if _is_cut(instruction, shapes, batch):
                ends[path] = (index, kind)
    entries = [(index, path, kind) for path, (index, kind) in ends.items()]
    feature = _feature_slot(listing, shapes, batch)
    slots = {
        path: listing.instructions[index].outputs[0]
        for index, path, _ in sorted(entries, key=_order)
    }
    kinds = {path: kind for _, path, kind in entries}
    name = _name_of(feature, listing, slots, kinds)
    layers = tuple(
        ProgramLayer(path, kinds[path], tuple(shapes[slot][1:])) for path, slot in slots.items()
    )
    return Cuts(layers, slots, name)


def _order(entry: tuple[int, str, str]) -> tuple[int, int]:
    """Sort key: execution order, then innermost module first."""
    return entry[0], -entry[1].count(".")


def _is_cut(instruction: Instruction, shapes: Mapping[int, tuple[int, ...]], batch: int) -> bool:
    if len(instruction.outputs) != 1:
        return False
    shape = shapes.get(instruction.outputs[0], ())
    return len(shape) > 1 and shape[0] == batch


def _feature_slot(listing: Listing, shapes: Mapping[int, tuple[int, ...]], batch: int) -> int:
    """Slot of the default features.

    For classifiers (flat output) the input of the last linear layer or 1 × 1 convolution. For
    others, or without one, the input of the last convolution, or else the last value of rank 4
    before the output.
    """
    ancestors = _ancestors(listing)
    flat = len(shapes.get(listing.outputs[0], ())) == _CLASSIFIER_RANK
    spatial = listing.image
    for instruction in reversed(ancestors):
        source = _source(instruction)
        shape = shapes.get(source, ())
        if len(shape) < _CLASSIFIER_RANK or shape[0] != batch or source == listing.image:
            continue
        name = instruction.operator.name
        is_linear = name in _LINEAR or _is_product_with_weight(instruction, listing)
        if is_linear or (instruction.pointwise if flat else name in _CONVOLUTIONS):
            return source
        if spatial == listing.image and len(shape) == _IMAGE_RANK:
            spatial = source
    return spatial if spatial != listing.image else listing.outputs[0]


def _is_product_with_weight(instruction: Instruction, listing: Listing) -> bool:
    """Whether a call multiplies by a weight, as Keras and ONNX write a linear layer."""
    factors = instruction.positional[1:2]
    return instruction.operator.name == "matmul" and any(
        isinstance(factor, Slot) and factor.number in listing.weights for factor in factors
    )


def _source(instruction: Instruction) -> int:
    """The slot that a call transforms; -1 if it has none."""
    position = 1 if instruction.operator.name == "addmm" else 0
    arguments = instruction.positional
    argument = arguments[position] if len(arguments) > position else None
    return argument.number if isinstance(argument, Slot) else -1


def _ancestors(listing: Listing) -> list[Instruction]:
    """Calls on which the first output depends, in order."""
    needed = {listing.outputs[0]}
    ancestors: list[Instruction] = []
    for instruction in reversed(listing.instructions):
        if needed & set(instruction.outputs):
            needed.update(instruction.reads)
            ancestors.append(instruction)
    return ancestors[::-1]


def _name_of(slot: int, listing: Listing, slots: dict[str, int], kinds: dict[str, str]) -> str:
    """The layer name of a slot; an unnamed value becomes a layer named by its node."""
    names = [path for path, layer_slot in slots.items() if layer_slot == slot]
    if names:
        return min(names, key=len)
    for instruction in listing.instructions:
        if slot in instruction.outputs:
            name = (
                instruction.name if instruction.name not in slots else f"{instruction.name}:{slot}"
            )
            slots[name], kinds[name] = slot, instruction.operator.name
            return name
    return "output"
