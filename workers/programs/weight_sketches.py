"""What identifies a network's relatives: a few numbers and a small sample of every weight tensor.

A sample holds up to 128 entries at fixed positions, rows and columns spread evenly over the tensor,
so that two tensors of one shape are compared entry by entry without the tensors themselves.
"""

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from service.core.families.sketch import MOST_WEIGHTS, sample_grid
from workers.programs.program import Program

_MOST_READ = 65_536
_MOST_LEVELS = 256
_FEWEST_VALUES = 8
_GRIDS = (127, 128, 255, 7, 8, 15)
_TOLERANCE = 0.02
_TINY = 1e-30
_LARGEST = 1e18


@dataclass(frozen=True)
class SketchedWeight:
    """A tensor with two or more axes.

    Attributes:
        shape: Its shape.
        digest: Equal for equal contents, whatever the element type.
        norm: Euclidean norm of all entries.
        excess: Excess kurtosis of all entries.
        zeros: Share of entries that are zero.
        half: Whether half precision, of either kind, holds every entry exactly.
        levels: Number of levels of the even grid that holds the entries of each row, up to 256; None
            without such a grid.
        sample: Entries at fixed positions, row by row, as base64 of float32.
    """

    shape: tuple[int, ...]
    digest: str
    norm: float
    excess: float
    zeros: float
    half: bool
    levels: int | None
    sample: str


@dataclass(frozen=True)
class WeightSketch:
    """The first weight tensors in the order of execution, and the number of all other tensors."""

    weights: tuple[SketchedWeight, ...]
    others: int


def weight_sketch(program: Program) -> WeightSketch | None:
    """The sketch of a network; None if it has no weights.

    Names, element types and the order of definition do not count.
    """
    tensors = list(_in_order_of_use(program))
    weights = [tensor for tensor in tensors if tensor.ndim > 1 and tensor.numel() > 0]
    others = len(tensors) - len(weights) + 2 * len(program.batch_norms)
    if not weights:
        return None
    return WeightSketch(tuple(map(sketched_weight, weights[:MOST_WEIGHTS])), others)


def _in_order_of_use(program: Program) -> Iterator[Tensor]:
    """The trained tensors, each where it is first read."""
    by_slot = dict(zip(program.trained_slots, program.parameters(), strict=True))
    for instruction in program.listing.instructions:
        for slot in instruction.reads:
            tensor = by_slot.pop(slot, None)
            if tensor is not None:
                yield tensor


def sketched_weight(tensor: Tensor) -> SketchedWeight:
    """A few numbers and a sample of one tensor with two or more axes."""
    values = tensor.detach().cpu().float().contiguous()
    rows = values.reshape(values.shape[0], -1)
    centered = rows - rows.mean()
    variance = float(centered.square().mean())
    fourth = float(centered.square().square().mean())
    return SketchedWeight(
        shape=tuple(values.shape),
        digest=_digest(values),
        norm=min(float(torch.linalg.vector_norm(values.double())), _LARGEST),
        excess=min(fourth / variance**2 - 3, _LARGEST) if variance > 0 and fourth > 0 else 0.0,
        zeros=1 - int(torch.count_nonzero(values)) / values.numel(),
        half=_is_half(values),
        levels=_levels(rows),
        sample=base64.b64encode(sample_of(rows).numpy().tobytes()).decode(),
    )


def _digest(values: Tensor) -> str:
    digest = hashlib.sha256(repr(tuple(values.shape)).encode())
    digest.update(values.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()[:16]


def sample_of(rows: Tensor) -> Tensor:
    """Entries at fixed positions, row by row."""
    height, width = sample_grid(rows.shape)
    down, across = _spread(len(rows), height), _spread(rows.shape[1], width)
    return rows[down][:, across].contiguous()


def _spread(size: int, count: int) -> Tensor:
    """``count`` indices, one in each equal part of ``size``, at changing positions of their part."""
    index = torch.arange(count)
    return index * size // count + 5 * index % max(1, size // count)


def _is_half(values: Tensor) -> bool:
    return any(bool((values.to(kind).float() == values).all()) for kind in (torch.float16, torch.bfloat16))  # fmt: skip


def _levels(rows: Tensor) -> int | None:
    """Levels of one grid for the whole tensor, or of grids that follow the range of each row."""
    some = rows[_spread(len(rows), max(1, min(len(rows), _MOST_READ // rows.shape[1])))].double()
    largest, smallest = some.abs().amax(1, keepdim=True), some.amin(1, keepdim=True)
    span = some.amax(1, keepdim=True) - smallest
    ways = (some, some / largest.clamp_min(_TINY), (some - smallest) / span.clamp_min(_TINY))
    return next((count for way in ways if (count := _grid(way)) is not None), None)


def _grid(values: Tensor) -> int | None:
    """The number of levels of the even grid that holds all values; None without one."""
    distinct = torch.unique(values)
    if len(distinct) < _FEWEST_VALUES:
        return None
    steps = [float(distinct.diff().min()), *(float(distinct.abs().max()) / q for q in _GRIDS)]
    for step in steps:
        positions = distinct / step
        count = round(float(positions[-1] - positions[0])) + 1
        if count <= _MOST_LEVELS and (
            _are_whole(positions) or _are_whole(positions - positions[0])
        ):
            return count
    return None


def _are_whole(positions: Tensor) -> bool:
    return float((positions - positions.round()).abs().max()) < _TOLERANCE
