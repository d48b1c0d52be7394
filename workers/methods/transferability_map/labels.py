"""Names beside points, none upon another: the nearest free place out of a few.

Axes: ``label`` one name with its point, ``place`` one candidate; boxes are left, lower, right,
upper in pixels.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

_RINGS = (2.0, 13.0, 27.0, 43.0)
_DIRECTIONS = 12


@dataclass(frozen=True)
class LabelPosition:
    """Where a name begins, in pixels, and whether it is so far away that a line should lead."""

    x: float
    y: float
    led: bool


def label_places(
    points: Float64[np.ndarray, "label 2"],
    sizes: Float64[np.ndarray, "label 2"],
    frame: tuple[float, float, float, float],
    *,
    radii: Float64[np.ndarray, " label"],
) -> tuple[LabelPosition | None, ...]:
    """A free place for every name, given in the order of importance; None where there is none.

    A name stays inside the frame and covers neither a mark nor a name before it.

    Args:
        sizes: Width and height of the names.
        radii: Of the marks at the points.
    """
    taken = np.concatenate([points - radii[:, None], points + radii[:, None]], axis=1)
    positions: list[LabelPosition | None] = []
    for point, size, radius in zip(points, sizes, radii.tolist(), strict=True):
        boxes, distance = candidates(point, size, radius=radius)
        free = inside(boxes, frame) & ~overlapping(boxes, taken)
        if not free.any():
            positions.append(None)
            continue
        first = int(free.argmax())
        taken = np.concatenate([taken, boxes[first : first + 1]])
        left, lower = boxes[first, :2]
        positions.append(
            LabelPosition(float(left), float(lower), bool(distance[first] > _RINGS[0] + radius))
        )
    return tuple(positions)


def candidates(
    point: Float64[np.ndarray, "2"], size: Float64[np.ndarray, "2"], *, radius: float
) -> tuple[Float64[np.ndarray, "place 4"], Float64[np.ndarray, " place"]]:
    """Boxes around a point, nearest first, beginning on its right; and their distances."""
    angle = np.tile(2 * np.pi * np.arange(_DIRECTIONS) / _DIRECTIONS, len(_RINGS))
    distance = radius + np.repeat(np.array(_RINGS), _DIRECTIONS)
    towards = np.column_stack([np.cos(angle), np.sin(angle)])
    # The box touches the ring with the side that faces the point.
    middle = point + towards * distance[:, None] + towards * size / 2
    return np.concatenate([middle - size / 2, middle + size / 2], axis=1), distance


def inside(
    boxes: Float64[np.ndarray, "place 4"], frame: tuple[float, float, float, float]
) -> Bool[np.ndarray, " place"]:
    """Which boxes lie within the frame."""
    left, lower, right, upper = frame
    low: Bool[np.ndarray, " place"] = (boxes[:, 0] >= left) & (boxes[:, 1] >= lower)
    return low & (boxes[:, 2] <= right) & (boxes[:, 3] <= upper)


def overlapping(
    boxes: Float64[np.ndarray, "place 4"], taken: Float64[np.ndarray, "box 4"]
) -> Bool[np.ndarray, " place"]:
    """Which boxes share some area with one that is taken."""
    first, second = boxes[:, None], taken[None]
    beside = (first[..., :2] >= second[..., 2:]) | (first[..., 2:] <= second[..., :2])
    shared: Bool[np.ndarray, " place"] = np.any(~np.any(beside, axis=-1), axis=1)
    return shared
