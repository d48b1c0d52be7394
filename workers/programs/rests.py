"""What follows a layer, as a network of its own: the layer's output in, the answer out."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from workers.programs.face import Face, Layer
from workers.programs.instructions import Instruction, Listing, Slot
from workers.programs.refusal import NotACutError
from workers.programs.survey import survey

_SIZE = "sym_size"


def is_cut(listing: Listing, slot: int) -> bool:
    """Whether the image reaches the first answer through this slot alone.

    The number of images may come from the image itself: the slot's value tells it as well. Where
    the graph really overwrites memory nothing is a cut.
    """
    if slot == listing.outputs[0] or any(one.writes_back for one in listing.instructions):
        return False
    _, missing = _kept(listing, slot)
    return slot in missing and listing.image not in missing


def listing_after(listing: Listing, layer: str, slot: int) -> Listing:
    """The calls after a slot, which stands where the image stood; one output, the first.

    Raises:
        NotACutError: The image also reaches the answer beside the slot.
    """
    if not is_cut(listing, slot):
        raise NotACutError(
            f"what follows {layer[:100]!r} depends on more than that layer's output",
            remedy="choose one of the layers that all later ones depend on alone",
        )
    kept, missing = _kept(listing, slot)
    weights = {place: name for place, name in listing.weights.items() if place in missing}
    return Listing(
        instructions=tuple(_read_from(one, listing.image, slot) for one in kept),
        image=slot,
        weights=weights,
        parameters=listing.parameters & weights.keys(),
        outputs=listing.outputs[:1],
    )


def face_after(
    face: Face,
    layer: Layer,
    listing: Listing,
    weights: Mapping[int, Tensor],
    *,
    native: torch.dtype,
) -> Face:
    """What the rest of a network shows: the layers that it still has.

    Args:
        listing: Of the rest.
        weights: Of the rest.
        native: Element type that the export was made in.
    """
    made = {slot for one in listing.instructions for slot in one.outputs}
    slots = {name: slot for name, slot in face.slots.items() if slot in made}
    exported = {slot: _as_exported(one, native) for slot, one in weights.items()}
    batch = max(face.batch_range[0], min(3, face.batch_range[1]))
    last = list(slots)[-1] if slots else "output"
    return replace(
        face,
        layers=tuple(one for one in face.layers if one.name in slots),
        slots=slots,
        feature_layer=face.feature_layer if face.feature_layer in slots else last,
        input_shape=layer.shape,
        flops=survey(listing, exported, (batch, *layer.shape), native).flops,
    )


def _as_exported(tensor: Tensor, native: torch.dtype) -> Tensor:
    kind = native if tensor.is_floating_point() else None
    return tensor.to("meta", dtype=kind)


def _kept(listing: Listing, slot: int) -> tuple[list[Instruction], set[int]]:
    """Calls that the first answer needs when the slot is given, and all that they read."""
    missing = {listing.outputs[0]}
    kept = []
    for one in reversed(listing.instructions):
        if slot in one.outputs or not missing & set(one.outputs):
            continue
        kept.append(one)
        if not _counts_images(one, listing.image):
            missing.update(one.reads)
    return kept[::-1], missing


def _counts_images(call: Instruction, image: int) -> bool:
    """Whether a call asks the image how many of it there are."""
    return (
        call.operator.name == _SIZE
        and call.reads == (image,)
        and tuple(call.positional[1:2]) == (0,)
    )


def _read_from(call: Instruction, image: int, slot: int) -> Instruction:
    """A call that counts images counts the slot's entries instead."""
    if not _counts_images(call, image):
        return call
    positional: tuple[Any, ...] = (Slot(slot), *call.positional[1:])
    return replace(call, positional=positional, reads=(slot,))
