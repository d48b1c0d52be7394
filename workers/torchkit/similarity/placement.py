"""Placement of new networks in a plane whose existing points stay fixed.

Axes: ``model`` one network, ``fixed`` one with a position, ``new`` one without; ``axis`` one of
the plane's two coordinates. Arrays over ``model`` hold the fixed networks first.
"""

import numpy as np
from jaxtyping import Float64
from scipy.linalg import orthogonal_procrustes
from scipy.spatial.distance import cdist

from workers.torchkit.similarity.layout import Layout, classical_scaling, layout, stress_one

_ROUNDS = 300
_STILL = 1e-9
_GOLDEN_ANGLE = np.pi * (3.0 - np.sqrt(5.0))
_NUDGE = 1e-3


def layout_around(
    dissimilarity: Float64[np.ndarray, "model model"],
    positions: Float64[np.ndarray, "model 2"],
) -> Layout:
    """The plane with every given position kept bit-equal and the others computed.

    Args:
        dissimilarity: Between all networks.
        positions: NaN for a network without a position, in any order; if none has one, the whole
            layout is computed from scratch.
    """
    is_new = np.isnan(positions).any(axis=1)
    if is_new.all():
        return layout(dissimilarity)
    points = positions.copy()
    if is_new.any():
        order = np.argsort(is_new, kind="stable")
        sorted_ = dissimilarity[np.ix_(order, order)]
        points[is_new] = new_points(sorted_, positions[~is_new])
    return Layout(points, stress_one(points, dissimilarity))


def new_points(
    dissimilarity: Float64[np.ndarray, "model model"], fixed: Float64[np.ndarray, "fixed 2"]
) -> Float64[np.ndarray, "new 2"]:
    """Positions of the new networks: the better result of two deterministic starts."""
    starts = (turned_start(dissimilarity, fixed), nearest_start(dissimilarity, fixed))
    ends = [majorized_points(start, dissimilarity, fixed) for start in starts]
    return min(ends, key=lambda end: placement_stress(end, dissimilarity, fixed))


def majorized_points(
    points: Float64[np.ndarray, "new 2"],
    dissimilarity: Float64[np.ndarray, "model model"],
    fixed: Float64[np.ndarray, "fixed 2"],
) -> Float64[np.ndarray, "new 2"]:
    """New points after majorization until their stress converges, for at most 300 rounds."""
    stress = placement_stress(points, dissimilarity, fixed)
    for _ in range(_ROUNDS):
        moved = placement_step(points, dissimilarity, fixed)
        improved = placement_stress(moved, dissimilarity, fixed)
        if stress - improved <= _STILL * stress:
            break
        points, stress = moved, improved
    return points


def placement_stress(
    points: Float64[np.ndarray, "new 2"],
    dissimilarity: Float64[np.ndarray, "model model"],
    fixed: Float64[np.ndarray, "fixed 2"],
) -> float:
    """Σ (d − δ)² over pairs with a new network: the part of the stress that placement changes."""
    count = len(fixed)
    to_fixed = cdist(points, fixed) - dissimilarity[count:, :count]
    among = cdist(points, points) - dissimilarity[count:, count:]
    return float(np.square(to_fixed).sum() + np.square(among).sum() / 2)


def placement_step(
    points: Float64[np.ndarray, "new 2"],
    dissimilarity: Float64[np.ndarray, "model model"],
    fixed: Float64[np.ndarray, "fixed 2"],
) -> Float64[np.ndarray, "new 2"]:
    """One Guttman transform of the new points only, which never increases their stress.

    With n networks, a of them fixed, the majorizing function is least where
    (n I − 11ᵀ) Y = B_n Z + 1 Σ_fixed, Z all points and B_n the new rows of Guttman's matrix; the
    inverse is (I + 11ᵀ/a)/n.

    Source: Borg & Groenen 2005, Modern Multidimensional Scaling, chapter 8, solved for a subset
    of the points.
    """
    all_points = np.concatenate([fixed, points])
    distances = cdist(points, all_points)
    ratios = np.divide(
        dissimilarity[len(fixed) :], distances, out=np.zeros_like(distances), where=distances > 0
    )
    # (new, 2): B_n Z + 1 Σ_fixed, then (I + 11ᵀ/a)/n from the left, without forming a matrix.
    target = ratios.sum(axis=1, keepdims=True) * points - ratios @ all_points + fixed.sum(axis=0)
    transformed: Float64[np.ndarray, "new 2"] = (target + target.sum(axis=0) / len(fixed)) / len(
        all_points
    )
    return transformed


def turned_start(
    dissimilarity: Float64[np.ndarray, "model model"], fixed: Float64[np.ndarray, "fixed 2"]
) -> Float64[np.ndarray, "new 2"]:
    """Classical scaling of all networks, rotated and shifted to fit the fixed points best.

    Source: Schönemann 1966, orthogonal Procrustes problem.
    """
    scaled = classical_scaling(dissimilarity)
    center = scaled[: len(fixed)].mean(axis=0)
    rotation, _ = orthogonal_procrustes(scaled[: len(fixed)] - center, fixed - fixed.mean(axis=0))
    start: Float64[np.ndarray, "new 2"] = (scaled[len(fixed) :] - center) @ rotation
    start += fixed.mean(axis=0)
    return start


def nearest_start(
    dissimilarity: Float64[np.ndarray, "model model"], fixed: Float64[np.ndarray, "fixed 2"]
) -> Float64[np.ndarray, "new 2"]:
    """Start beside the fixed point at which each new point would have the least stress.

    Offset by a thousandth of its dissimilarity, each in its own direction, because coinciding
    points exert no force on each other.
    """
    count = len(fixed)
    distances_between_fixed = cdist(fixed, fixed)
    deltas = dissimilarity[count:, :count]
    nearest_fixed = (
        np.square(distances_between_fixed).sum(axis=1) - 2.0 * deltas @ distances_between_fixed
    ).argmin(axis=1)
    rows = np.arange(len(deltas))
    angle = _GOLDEN_ANGLE * rows
    offsets = _NUDGE * np.column_stack([np.cos(angle), np.sin(angle)])
    start: Float64[np.ndarray, "new 2"] = (
        fixed[nearest_fixed] + offsets * deltas[rows, nearest_fixed][:, None]
    )
    return start
