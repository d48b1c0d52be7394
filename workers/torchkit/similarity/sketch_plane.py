"""Many networks as points of a plane, from their sketches: landmarks first, the others around them.

No two of the others are compared: time and memory grow with the number of networks times that of
landmarks.

Axes: ``model`` one network, ``landmark`` one of those that span the plane, ``new`` one that is placed
around them, ``bucket`` one number of a sketch.
"""

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64
from scipy.spatial.distance import cdist

from service.core.sketches import EDGE_SCALE, NODE_SKETCH_SIZE

LANDMARKS = 400
_SEED = 0
_ROUNDS = 100
_STILL = 1e-4
_GOLDEN_ANGLE = np.pi * (3.0 - np.sqrt(5.0))
_NUDGE = 1e-3

Units = Float32[np.ndarray, "model bucket"]


def unit_vectors(sketches: Float32[np.ndarray, "model bucket"], *, edge_weight: float) -> Units:
    """Vectors of length 1 whose inner products estimate (s_V + λ s_E)/(1 + λ)."""
    scales = np.ones(sketches.shape[1], dtype=np.float32)
    scales[NODE_SKETCH_SIZE:] = np.sqrt(edge_weight) / EDGE_SCALE
    weighted = sketches * scales
    units: Units = weighted / np.linalg.norm(weighted, axis=1, keepdims=True)
    return units


def landmarks_of(has_position: Bool[np.ndarray, " model"]) -> Int64[np.ndarray, " landmark"]:
    """Up to 400 networks in ascending order: those with a position first, else drawn by a fixed seed."""
    order = np.random.default_rng(_SEED).permutation(len(has_position))
    placed_first = order[np.argsort(~has_position[order], kind="stable")]
    chosen: Int64[np.ndarray, " landmark"] = np.sort(placed_first[:LANDMARKS])
    return chosen


def distances(
    units: Units, landmarks: Float32[np.ndarray, "landmark bucket"]
) -> Float64[np.ndarray, "model landmark"]:
    """√(2 (1 − cosine)): the estimated dissimilarity of every network and every landmark."""
    cosines = (units @ landmarks.T).astype(np.float64)
    dissimilar: Float64[np.ndarray, "model landmark"] = np.sqrt(
        np.clip(2.0 * (1.0 - cosines), 0.0, None)
    )
    return dissimilar


def placed_around(
    deltas: Float64[np.ndarray, "new landmark"], fixed: Float64[np.ndarray, "landmark 2"]
) -> Float64[np.ndarray, "new 2"]:
    """Each new network where its distances to the landmarks fit best, whatever the other new ones do.

    Majorization from beside the landmark at which its stress is least, until the sum over all new
    networks improves by less than one in ten thousand, for at most 100 rounds.

    Source: Borg & Groenen 2005, Modern Multidimensional Scaling, chapter 8, for one free point.
    """
    points = _start(deltas, fixed)
    stress = np.inf
    for _ in range(_ROUNDS):
        lengths = cdist(points, fixed)
        improved = float(np.square(lengths - deltas).sum())
        if stress - improved <= _STILL * improved:
            break
        stress = improved
        ratios = np.divide(deltas, lengths, out=np.zeros_like(lengths), where=lengths > 0)
        pulled = ratios.sum(axis=1, keepdims=True) * points - ratios @ fixed
        points = fixed.mean(axis=0) + pulled / len(fixed)
    return points


def _start(
    deltas: Float64[np.ndarray, "new landmark"], fixed: Float64[np.ndarray, "landmark 2"]
) -> Float64[np.ndarray, "new 2"]:
    """Beside the best landmark, each in a direction of its own: coinciding points exert no force."""
    between = cdist(fixed, fixed)
    best = (np.square(between).sum(axis=1) - 2.0 * deltas @ between).argmin(axis=1)
    angles = _GOLDEN_ANGLE * np.arange(len(deltas))
    directions = np.column_stack([np.cos(angles), np.sin(angles)])
    start: Float64[np.ndarray, "new 2"] = fixed[best] + _NUDGE * directions
    return start


def stress_to(
    points: Float64[np.ndarray, "model 2"],
    fixed: Float64[np.ndarray, "landmark 2"],
    deltas: Float64[np.ndarray, "model landmark"],
) -> float:
    """Kruskal's stress-1 over the distances of all networks to the landmarks."""
    lengths = cdist(points, fixed)
    size = float(np.square(lengths).sum())
    error = float(np.square(lengths - deltas).sum())
    return float(np.sqrt(error / size)) if size > 0 else float(error > 0)
