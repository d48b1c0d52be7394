"""Sketches: short vectors for graphs in an index, and the errors of their inner products.

A sketch is [û; ½ρ̂]: count sketches of the unit maps and of the standardized ranks, each normalized
to length 1, and the second one halved. All sketches have the same norm, so the largest inner
product is the nearest neighbor, and the query [û; 2λρ̂] searches by s_V + λ s_E for any λ ≥ 0. One
index serves every λ; it is built for λ = ¼, where query and stored vector are the same.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

NODE_SKETCH_SIZE = 1024
EDGE_SKETCH_SIZE = 512
SKETCH_SIZE = NODE_SKETCH_SIZE + EDGE_SKETCH_SIZE
EDGE_SCALE = 0.5
# Three standard deviations cover 99.7 % of the errors of a normal variable; we promise 99 %.
ERROR_DEVIATIONS = 3.0


@dataclass(frozen=True)
class SketchQuery:
    """The query of an index of sketches for one network and one λ.

    Inner products of stored sketches with ``score`` order by s_V + λ s_E (up to a positive factor
    that keeps half precision from overflowing); with ``node`` they estimate s_V, with ``edge`` s_E.
    """

    score: list[float]
    node: list[float]
    edge: list[float]


def query_of(sketch: Sequence[float], *, edge_weight: float) -> SketchQuery:
    """The query of a network, given its own stored sketch."""
    node, edge = list(sketch[:NODE_SKETCH_SIZE]), sketch[NODE_SKETCH_SIZE:]
    unit_edges = [value / EDGE_SCALE for value in edge]
    shrink = max(1.0, edge_weight)
    return SketchQuery(
        score=[value / shrink for value in node]
        + [value * edge_weight / EDGE_SCALE / shrink for value in unit_edges],
        node=node + [0.0] * EDGE_SKETCH_SIZE,
        edge=[0.0] * NODE_SKETCH_SIZE + [value / EDGE_SCALE for value in unit_edges],
    )


def error_of(node: float, edge: float | None, *, edge_weight: float) -> float:
    """The bound on the error of an estimated s_V + λ s_E in 99 of 100 cases.

    3 √((1 − s_V²)²/1024 + λ² (1 − s_E²)²/512) with the estimates in place of s_V and s_E: the
    cosine of two count sketches of d buckets deviates by (1 − s²)/√d. It holds for graphs with the
    same valid probes.
    """
    variance = (1 - min(1.0, node * node)) ** 2 / NODE_SKETCH_SIZE
    if edge is not None:
        variance += (edge_weight * (1 - min(1.0, edge * edge))) ** 2 / EDGE_SKETCH_SIZE
    return ERROR_DEVIATIONS * math.sqrt(variance)
