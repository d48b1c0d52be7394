"""Networks as points of a plane: similar networks lie close together.

Axes: ``model`` one network, ``axis`` one of the plane's two coordinates.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from scipy.spatial.distance import pdist, squareform

FAIR, POOR = 0.1, 0.2
_ROUNDS = 300
_STILL = 1e-7


@dataclass(frozen=True)
class Layout:
    """Points, and Kruskal's stress-1 of their distances against the dissimilarities.

    ``judgment`` says what a stress allows to read; 0 is perfect.
    """

    points: Float64[np.ndarray, "model 2"]
    stress: float


def judgment(stress: float) -> str:
    """What a stress allows to read from a plane, in words.

    Source: Kruskal 1964, Psychometrika 29(1), section 1: 0 perfect, 0.025 excellent, 0.05 good,
    0.1 fair, 0.2 poor. That scale is for points that keep only the order of dissimilarities; ours
    keep the dissimilarities themselves, so the same stress is, if anything, judged too severely.
    """
    if stress <= FAIR:
        return "distances in the plane can be trusted"
    if stress <= POOR:
        return "trust groups in the plane, not single distances"
    return "read the matrix, not the plane"


def layout(dissimilarity: Float64[np.ndarray, "model model"]) -> Layout:
    """Points whose distances approximate the dissimilarities; deterministic, from a fixed start.

    Classical scaling, then majorization until stress converges, for at most 300 rounds.

    Source: Borg & Groenen 2005, Modern Multidimensional Scaling, chapters 8 (SMACOF) and 12.
    """
    points = classical_scaling(dissimilarity)
    stress = stress_one(points, dissimilarity)
    for _ in range(_ROUNDS):
        moved = majorized(points, dissimilarity)
        improved = stress_one(moved, dissimilarity)
        if stress - improved < _STILL:
            break
        points, stress = moved, improved
    return Layout(upright(points), stress)


def dissimilarities(
    similarity: Float64[np.ndarray, "model model"], *, edge_weight: float
) -> Float64[np.ndarray, "model model"]:
    """√(2 (1 − s/(1+λ))): the Euclidean distance of the networks' unit vectors.

    Exact because s = ⟨[u_i; √λ ρ_i], [u_j; √λ ρ_j]⟩ with squared norms 1 + λ. Unknown values
    become the median of the known ones.
    """
    cosine = similarity / (1.0 + edge_weight)
    distance = np.sqrt(np.clip(2.0 * (1.0 - cosine), 0.0, None))
    np.fill_diagonal(distance, 0.0)
    return filled_by_median(distance)


def filled_by_median(
    square: Float64[np.ndarray, "model model"],
) -> Float64[np.ndarray, "model model"]:
    """The matrix with NaNs replaced by the median of the known off-diagonal values."""
    finite = square[~np.eye(len(square), dtype=bool) & ~np.isnan(square)]
    middle = float(np.median(finite)) if finite.size else 0.0
    return np.where(np.isnan(square), middle, square)


def classical_scaling(
    dissimilarity: Float64[np.ndarray, "model model"],
) -> Float64[np.ndarray, "model 2"]:
    """The two leading principal coordinates; 0 for a missing one."""
    count = len(dissimilarity)
    centering = np.eye(count) - 1.0 / count
    # Double centering turns squared distances δ² into inner products −½ J δ² J (model, model).
    products = -0.5 * centering @ np.square(dissimilarity) @ centering
    values, vectors = np.linalg.eigh(products)
    points = np.zeros((count, 2))
    for axis, leading in enumerate(range(count - 1, max(count - 3, -1), -1)):
        points[:, axis] = vectors[:, leading] * np.sqrt(max(values[leading], 0.0))
    return points


def majorized(
    points: Float64[np.ndarray, "model 2"], dissimilarity: Float64[np.ndarray, "model model"]
) -> Float64[np.ndarray, "model 2"]:
    """One Guttman transform, X ← B(X) X / n, which never increases stress."""
    distances = squareform(pdist(points))
    ratios = np.divide(dissimilarity, distances, out=np.zeros_like(distances), where=distances > 0)
    # B(X): −δ_ij/d_ij off the diagonal (0 where points coincide); rows sum to 0.
    guttman = np.diag(ratios.sum(axis=1)) - ratios
    transformed: Float64[np.ndarray, "model 2"] = guttman @ points / len(points)
    return transformed


def stress_one(
    points: Float64[np.ndarray, "model 2"], dissimilarity: Float64[np.ndarray, "model model"]
) -> float:
    """√(Σ (d − δ)² / Σ d²) over pairs; for coinciding points 0 if all δ are 0, else 1."""
    distances = pdist(points)
    deltas = squareform(dissimilarity, checks=False)
    error = float(np.square(distances - deltas).sum())
    size = float(np.square(distances).sum())
    return float(np.sqrt(error / size)) if size > 0 else float(error > 0)


def upright(points: Float64[np.ndarray, "model 2"]) -> Float64[np.ndarray, "model 2"]:
    """Points centered, rotated to their principal axes, signed so the farthest is positive."""
    centered = points - points.mean(axis=0)
    _, _, axes = np.linalg.svd(centered, full_matrices=False)
    turned = np.zeros_like(points)
    turned[:, : len(axes)] = centered @ axes.T
    farthest = np.abs(turned).argmax(axis=0)
    signs = np.sign(turned[farthest, [0, 1]])
    flipped: Float64[np.ndarray, "model 2"] = turned * np.where(signs == 0, 1.0, signs)
    return flipped
