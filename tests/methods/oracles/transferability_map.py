"""Slow plain twins: tree, silhouette, neighbors and stress, group by group and pair by pair."""

import math
from collections.abc import Sequence

Rows = Sequence[Sequence[float]]


def single_linkage_heights(rows: Rows) -> list[float]:
    """Heights at which the two groups with the closest members become one."""
    groups = [[index] for index in range(len(rows))]
    heights = []
    while len(groups) > 1:
        height, a, b = min(
            (min(math.dist(rows[i], rows[j]) for i in left for j in right), a, b)
            for a, left in enumerate(groups)
            for b, right in enumerate(groups)
            if a < b
        )
        groups[a] += groups.pop(b)
        heights.append(height)
    return heights


def stress(points: Rows, wanted: Rows) -> float:
    """√(Σ (d − δ)² / Σ d²) over pairs."""
    error = size = 0.0
    for i in range(len(points)):
        for j in range(i):
            distance = math.dist(points[i], points[j])
            error += (distance - wanted[i][j]) ** 2
            size += distance**2
    return math.sqrt(error / size)


def mean_silhouette(distances: Rows, groups: Sequence[int]) -> float:
    """Mean of (b − a)/max(a, b): how much nearer the own group is than the next."""
    values = []
    for index, group in enumerate(groups):
        away: dict[int, list[float]] = {}
        for other, its_group in enumerate(groups):
            if other != index:
                away.setdefault(its_group, []).append(distances[index][other])
        own = away.pop(group, None)
        if own is None:
            values.append(0.0)
            continue
        inside = sum(own) / len(own)
        outside = min(sum(some) / len(some) for some in away.values())
        values.append((outside - inside) / max(inside, outside))
    return sum(values) / len(values)


def nearest(similarity: Rows, k: int) -> list[list[int]]:
    """The k most similar others of each, the earlier first where two are equal."""
    neighbors = []
    for index, row in enumerate(similarity):
        others = [other for other in range(len(row)) if other != index]
        comparable = [other for other in others if not math.isnan(row[other])]
        neighbors.append(sorted(comparable, key=lambda other: (-row[other], other))[:k])
    return neighbors


def placement_stress(new: Rows, wanted: Rows, fixed: Rows) -> float:
    """Σ (d − δ)² over every pair of which at least one is new; the fixed ones come first."""
    everyone = [*fixed, *new]
    return sum(
        (math.dist(everyone[i], everyone[j]) - wanted[i][j]) ** 2
        for i in range(len(fixed), len(everyone))
        for j in range(i)
    )


def placement_step(new: Rows, wanted: Rows, fixed: Rows) -> list[list[float]]:
    """The least point of the majorizing function, by sweeping over one new point at a time.

    With v_ij the unit vector from j to i at the old points, it is Σ |x_i − x_j − δ_ij v_ij|².
    """
    everyone = [list(point) for point in [*fixed, *new]]
    toward = [[_unit(a, b) for b in everyone] for a in everyone]
    moved = [list(point) for point in everyone]
    for _ in range(2000):
        for i in range(len(fixed), len(moved)):
            for axis in range(2):
                terms = [
                    moved[j][axis] + wanted[i][j] * toward[i][j][axis]
                    for j in range(len(moved))
                    if j != i
                ]
                moved[i][axis] = sum(terms) / len(terms)
    return moved[len(fixed) :]


def _unit(a: Sequence[float], b: Sequence[float]) -> tuple[float, float]:
    length = math.dist(a, b)
    return ((a[0] - b[0]) / length, (a[1] - b[1]) / length) if length else (0.0, 0.0)
