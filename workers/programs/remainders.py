"""The part of a network after a layer, as a network from the layer's output to the output."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from workers.programs.instructions import Instruction, Listing, Slot
from workers.programs.interface import ProgramInterface, ProgramLayer
from workers.programs.refusal import NotACutError
from workers.programs.survey import survey

_SIZE = "sym_size"


def is_cut(listing: Listing, slot: int) -> bool:
    """Whether all paths from the image to the first output lead through this slot.

    Reading the batch size from the image does not count, since the slot's value has it as well.
    If the graph overwrites memory, nothing is a cut.
    """
    if slot == listing.outputs[0] or any(
        instruction.writes_back for instruction in listing.instructions
    ):
        return False
    _, missing = _remaining(listing, slot)
    return slot in missing and listing.image not in missing


def listing_after(listing: Listing, layer: str, slot: int) -> Listing:
    """The calls after a slot, which replaces the image; only the first output remains.

    Raises:
        NotACutError: The image also reaches the output on another path.
    """
    if not is_cut(listing, slot):
        raise NotACutError(
            f"layers after {layer[:100]!r} depend on more than that layer's output",
            remedy="choose a layer that is the only input of all later layers",
        )
    remaining, missing = _remaining(listing, slot)
    weights = {
        weight_slot: name
        for weight_slot, name in listing.weights.items()
        if weight_slot in missing
    }
    return Listing(
        instructions=tuple(
            _read_from(instruction, listing.image, slot) for instruction in remaining
        ),
        image=slot,
        weights=weights,
        parameters=listing.parameters & weights.keys(),
        outputs=listing.outputs[:1],
    )


def interface_after(
    interface: ProgramInterface,
    layer: ProgramLayer,
    listing: Listing,
    weights: Mapping[int, Tensor],
    *,
    native: torch.dtype,
) -> ProgramInterface:
    """The public facts about the remaining network.

    Args:
        listing: Listing of the remaining network.
        weights: Weights of the remaining network.
        native: Element type of the export.
    """
    defined = {slot for instruction in listing.instructions for slot in instruction.outputs}
    slots = {name: slot for name, slot in interface.slots.items() if slot in defined}
    exported = {slot: _as_exported(tensor, native) for slot, tensor in weights.items()}
    batch = max(interface.batch_range[0], min(3, interface.batch_range[1]))
    surveyed = survey(listing, exported, (batch, *layer.shape), native)
    last = list(slots)[-1] if slots else "output"
    return replace(
        interface,
        layers=tuple(listed for listed in interface.layers if listed.name in slots),
        slots=slots,
        feature_layer=interface.feature_layer if interface.feature_layer in slots else last,
        input_shape=layer.shape,
        flops=surveyed.flops,
        memory=surveyed.memory,
    )


def _as_exported(tensor: Tensor, native: torch.dtype) -> Tensor:
    kind = native if tensor.is_floating_point() else None
    return tensor.to("meta", dtype=kind)


def _remaining(listing: Listing, slot: int) -> tuple[list[Instruction], set[int]]:
    """Calls that the first output needs beyond the slot, and all slots that they read."""
    missing = {listing.outputs[0]}
    needed = []
    for instruction in reversed(listing.instructions):
        if slot in instruction.outputs or not missing & set(instruction.outputs):
            continue
        needed.append(instruction)
        if not _counts_images(instruction, listing.image):
            missing.update(instruction.reads)
    return needed[::-1], missing


def _counts_images(call: Instruction, image: int) -> bool:
    """Whether a call reads the batch size from the image."""
    return (
        call.operator.name == _SIZE
        and call.reads == (image,)
        and tuple(call.positional[1:2]) == (0,)
    )


def _read_from(call: Instruction, image: int, slot: int) -> Instruction:
    """The call, with the batch size read from the slot instead of the image."""
    if not _counts_images(call, image):
        return call
    positional: tuple[Any, ...] = (Slot(slot), *call.positional[1:])
    return replace(call, positional=positional, reads=(slot,))
