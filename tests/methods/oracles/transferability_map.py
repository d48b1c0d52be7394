"""Slow plain twins: single linkage by looking at every two groups, and stress pair by pair."""

import math
from collections.abc import Sequence

Rows = Sequence[Sequence[float]]


def single_linkage_heights(rows: Rows) -> list[float]:
    """Heights at which the two groups with the closest members become one."""
    groups = [[place] for place in range(len(rows))]
    heights = []
    while len(groups) > 1:
        height, a, b = min(
            (min(math.dist(rows[i], rows[j]) for i in one for j in other), a, b)
            for a, one in enumerate(groups)
            for b, other in enumerate(groups)
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
