"""New networks in a plane whose old points stay where they are.

Axes: ``model`` one network, ``fixed`` one with a place, ``new`` one without; ``axis`` one of the
plane's two coordinates. All arrays of ``model`` hold the fixed ones first.
"""

import numpy as np
from jaxtyping import Float64
from scipy.linalg import orthogonal_procrustes
from scipy.spatial.distance import cdist

from workers.torchkit.layout import Layout, classical_scaling, layout, stress_one

_ROUNDS = 300
_STILL = 1e-9
_GOLDEN_ANGLE = np.pi * (3.0 - np.sqrt(5.0))
_NUDGE = 1e-3


def layout_around(
    dissimilarity: Float64[np.ndarray, "model model"],
    places: Float64[np.ndarray, "model 2"],
) -> Layout:
    """The plane with every given place kept to the last bit, and the others found.

    Args:
        dissimilarity: Between all networks.
        places: NaN for a network that has none yet, in any order; where nobody has one, all are
            laid out afresh.
    """
    new = np.isnan(places).any(axis=1)
    if new.all():
        return layout(dissimilarity)
    points = places.copy()
    if new.any():
        order = np.argsort(new, kind="stable")
        sorted_ = dissimilarity[np.ix_(order, order)]
        points[new] = new_points(sorted_, places[~new])
    return Layout(points, stress_one(points, dissimilarity))


def new_points(
    dissimilarity: Float64[np.ndarray, "model model"], fixed: Float64[np.ndarray, "fixed 2"]
) -> Float64[np.ndarray, "new 2"]:
    """Places of the networks behind the fixed ones: the better end of two fixed starts."""
    starts = (turned_start(dissimilarity, fixed), nearest_start(dissimilarity, fixed))
    ends = [settled(start, dissimilarity, fixed) for start in starts]
    return min(ends, key=lambda end: placement_stress(end, dissimilarity, fixed))


def settled(
    points: Float64[np.ndarray, "new 2"],
    dissimilarity: Float64[np.ndarray, "model model"],
    fixed: Float64[np.ndarray, "fixed 2"],
) -> Float64[np.ndarray, "new 2"]:
    """Majorized until their own stress stands still or 300 rounds have passed."""
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
    """Σ (d − δ)² over the pairs with a new network: what placing them can change of the stress."""
    count = len(fixed)
    to_fixed = cdist(points, fixed) - dissimilarity[count:, :count]
    among = cdist(points, points) - dissimilarity[count:, count:]
    return float(np.square(to_fixed).sum() + np.square(among).sum() / 2)


def placement_step(
    points: Float64[np.ndarray, "new 2"],
    dissimilarity: Float64[np.ndarray, "model model"],
    fixed: Float64[np.ndarray, "fixed 2"],
) -> Float64[np.ndarray, "new 2"]:
    """One Guttman transform of the new points alone, which never raises their stress.

    With n networks, a of them fixed, the majorizing function is least where
    (n I − 11ᵀ) Y = B_n Z + 1 Σ_fixed, Z all points and B_n the new rows of Guttman's matrix; the
    inverse is (I + 11ᵀ/a)/n.

    Source: Borg & Groenen 2005, Modern Multidimensional Scaling, chapter 8, solved for
    a part of the points.
    """
    everyone = np.concatenate([fixed, points])
    distances = cdist(points, everyone)
    ratio = np.divide(
        dissimilarity[len(fixed) :], distances, out=np.zeros_like(distances), where=distances > 0
    )
    wanted = ratio.sum(axis=1, keepdims=True) * points - ratio @ everyone + fixed.sum(axis=0)
    moved: Float64[np.ndarray, "new 2"] = (wanted + wanted.sum(axis=0) / len(fixed)) / len(
        everyone
    )
    return moved


def turned_start(
    dissimilarity: Float64[np.ndarray, "model model"], fixed: Float64[np.ndarray, "fixed 2"]
) -> Float64[np.ndarray, "new 2"]:
    """Classical scaling of everybody, turned and shifted until it fits the fixed points best.

    Source: Schönemann 1966, orthogonal Procrustes problem.
    """
    scaled = classical_scaling(dissimilarity)
    middle = scaled[: len(fixed)].mean(axis=0)
    turn, _ = orthogonal_procrustes(scaled[: len(fixed)] - middle, fixed - fixed.mean(axis=0))
    start: Float64[np.ndarray, "new 2"] = (scaled[len(fixed) :] - middle) @ turn
    start += fixed.mean(axis=0)
    return start


def nearest_start(
    dissimilarity: Float64[np.ndarray, "model model"], fixed: Float64[np.ndarray, "fixed 2"]
) -> Float64[np.ndarray, "new 2"]:
    """Beside the fixed point on which a new one alone would have the least stress.

    A thousandth of its dissimilarity away, each in a direction of its own, since points that
    coincide push nowhere.
    """
    count = len(fixed)
    apart = cdist(fixed, fixed)
    wanted = dissimilarity[count:, :count]
    chosen = (np.square(apart).sum(axis=1) - 2.0 * wanted @ apart).argmin(axis=1)
    rows = np.arange(len(wanted))
    angle = _GOLDEN_ANGLE * rows
    aside = _NUDGE * np.column_stack([np.cos(angle), np.sin(angle)])
    start: Float64[np.ndarray, "new 2"] = fixed[chosen] + aside * wanted[rows, chosen][:, None]
    return start
