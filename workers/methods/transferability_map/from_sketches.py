"""A map of many networks from their sketches: positions and clusters, without a matrix of all pairs."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64

from service.core.catalog.transferability_map import TransferabilityMapParams
from service.core.manifest import TaskKind
from service.core.sketches import error_of
from workers.methods.transferability_map.inputs import LeftOut, TransferabilityMapData
from workers.torchkit.protocols import Report
from workers.torchkit.similarity import sketch_plane
from workers.torchkit.similarity.clusters import clusters, medoids
from workers.torchkit.similarity.layout import Layout
from workers.torchkit.similarity.placement import layout_around
from workers.torchkit.similarity.sketch_plane import Units
from workers.torchkit.similarity.trees import row_distances, task_tree

_STEPS = 3


@dataclass(frozen=True)
class SketchedMapResult:
    """The map.

    Attributes:
        groups: Cluster of every network: that of its nearest landmark.
        chosen: Medoid of every cluster, among the landmarks.
        layout: Points of the plane, and their stress over all distances to landmarks.
        landmarks: How many networks span the plane and form the clusters.
        largest_error: Bound on the error of an estimated s_V + λ s_E of unrelated networks.
    """

    models: tuple[str, ...]
    names: tuple[str, ...]
    tasks: tuple[TaskKind, ...]
    groups: tuple[int, ...]
    chosen: tuple[int, ...]
    layout: Layout
    landmarks: int
    largest_error: float
    left_out: tuple[LeftOut, ...]


def map_from_sketches(
    inputs: TransferabilityMapData,
    sketches: Float32[np.ndarray, "model bucket"],
    params: TransferabilityMapParams,
    report: Report,
) -> SketchedMapResult:
    """Positions and clusters of all networks from their similarity to at most 400 of them."""
    positions = np.array(
        [position or (np.nan, np.nan) for position in inputs.coordinates], dtype=np.float64
    )
    units = sketch_plane.unit_vectors(sketches, edge_weight=params.edge_weight)
    chosen = sketch_plane.landmarks_of(np.isfinite(positions[:, 0]))
    report(0, _STEPS, "estimating distances")
    deltas = sketch_plane.distances(units, units[chosen])
    report(1, _STEPS, "forming clusters")
    groups, typical = _clusters(units[chosen], params)
    report(2, _STEPS, "placing networks")
    layout = _layout(deltas, chosen, positions)
    report(_STEPS, _STEPS, "placed")
    return SketchedMapResult(
        models=inputs.models,
        names=inputs.names,
        tasks=inputs.tasks,
        groups=tuple(groups[nearest] for nearest in deltas.argmin(axis=1)),
        chosen=tuple(int(chosen[index]) for index in typical),
        layout=layout,
        landmarks=len(chosen),
        largest_error=error_of(0.0, 0.0, edge_weight=params.edge_weight),
        left_out=inputs.left_out,
    )


def _clusters(
    landmarks: Units, params: TransferabilityMapParams
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The cluster of every landmark, and the medoids among them."""
    similarities = (landmarks @ landmarks.T).astype(np.float64)
    distances = row_distances(similarities)
    tree = task_tree(similarities, method=params.linkage)
    groups = clusters(tree, distances, count=params.clusters)
    return groups, medoids(distances, groups)


def _layout(
    deltas: Float64[np.ndarray, "model landmark"],
    chosen: np.ndarray,
    positions: Float64[np.ndarray, "model 2"],
) -> Layout:
    """The landmarks' plane with everything else around them; given positions stay."""
    among = (deltas[chosen] + deltas[chosen].T) / 2.0
    np.fill_diagonal(among, 0.0)
    points = positions.copy()
    points[chosen] = fixed = layout_around(among, positions[chosen]).points
    new = np.isnan(points).any(axis=1)
    if new.any():
        points[new] = sketch_plane.placed_around(deltas[new], fixed)
    return Layout(points, sketch_plane.stress_to(points, fixed, deltas))
