"""Similarities of all pairs of networks, the structures derived from them, and pictures."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64

from service.core.catalog.transferability_map import TransferabilityMapParams
from service.core.counts import counted
from service.core.errors import MethodError
from service.core.manifest import TaskKind
from workers.methods.transferability_map.drawing import MapDrawing, shortened
from workers.methods.transferability_map.from_sketches import (
    SketchedMapResult,
    map_from_sketches,
)
from workers.methods.transferability_map.inputs import LeftOut, TransferabilityMapData
from workers.methods.transferability_map.pictures import pictures_of
from workers.torchkit.protocols import Report
from workers.torchkit.similarity.all_pairs import Similarities, all_pairs
from workers.torchkit.similarity.clusters import clusters, medoids
from workers.torchkit.similarity.layout import Layout, dissimilarities, filled_by_median
from workers.torchkit.similarity.neighbor_graph import DEFAULT_NEIGHBORS, NeighborEdge, nearest
from workers.torchkit.similarity.placement import layout_around
from workers.torchkit.similarity.trees import Tree, row_distances, task_tree

LARGEST_MAP = 4000


class NothingToPlaceError(MethodError):
    """No network of the probe set has a graph that can be compared."""

    code = "nothing_to_place"


class MapTooLargeError(MethodError):
    """More networks than a matrix of all pairs supports."""

    code = "map_too_large"


class OutOfRangeError(MethodError):
    """``k`` or ``clusters`` exceeds the number of networks."""

    code = "out_of_range"


@dataclass(frozen=True)
class TransferabilityMapResult:
    """The map.

    Attributes:
        similarities: Node and edge similarity of every two placed networks; NaN where two have
            too few common valid probes.
        scores: s_V + λ s_E, NaN as above.
        tree: Task tree over rows of s/(1+λ), missing scores filled by the median.
        groups: Cluster of every network, from 0 in the order of the tree.
        chosen: Medoid of every cluster.
        neighbors: The most similar networks of each, best first.
        layout: Points of the plane and their stress.
        pictures: Files by name, PNG and SVG.
    """

    models: tuple[str, ...]
    names: tuple[str, ...]
    tasks: tuple[TaskKind, ...]
    similarities: Similarities
    scores: Float64[np.ndarray, "model model"]
    tree: Tree
    groups: tuple[int, ...]
    chosen: tuple[int, ...]
    neighbors: tuple[tuple[NeighborEdge, ...], ...]
    layout: Layout
    left_out: tuple[LeftOut, ...]
    pictures: Mapping[str, bytes]


def run(
    inputs: TransferabilityMapData, params: TransferabilityMapParams, report: Report
) -> TransferabilityMapResult | SketchedMapResult:
    """The map of all networks, from their graphs, or from their sketches where these are given.

    Raises:
        MethodError: NothingToPlaceError, MapTooLargeError, OutOfRangeError, NotComparableError.
    """
    count = len(inputs.models)
    _require_possible(count, params)
    if inputs.sketches is not None:
        return map_from_sketches(inputs, inputs.sketches, params, report)
    _require_matrix(count)
    return _exact_map(inputs, params, report)


def _exact_map(
    inputs: TransferabilityMapData, params: TransferabilityMapParams, report: Report
) -> TransferabilityMapResult:
    count = len(inputs.models)
    similarities = _similarities(inputs, params, report)
    scores = similarities.scores(params.edge_weight).numpy()
    # Divided by a network's score with itself, 1 + λ, so the diagonal is each row's maximum.
    relative = filled_by_median(scores) / (1.0 + params.edge_weight)
    tree = task_tree(relative, method=params.linkage)
    distances = row_distances(relative)
    groups = clusters(tree, distances, count=params.clusters)
    k = min(DEFAULT_NEIGHBORS, count - 1) if params.k is None else params.k
    positions = np.array(
        [position or (np.nan, np.nan) for position in inputs.coordinates], dtype=np.float64
    )
    drawing = MapDrawing(
        names=inputs.names,
        tasks=inputs.tasks,
        parameters=inputs.parameters,
        subtitle=_subtitle(inputs.probes, params.edge_weight),
        linkage=params.linkage.value,
        scores=scores,
        tree=tree,
        groups=groups,
        chosen=medoids(distances, groups),
        neighbors=nearest(scores, k=k),
        layout=layout_around(dissimilarities(scores, edge_weight=params.edge_weight), positions),
    )
    return TransferabilityMapResult(
        models=inputs.models,
        names=inputs.names,
        tasks=inputs.tasks,
        similarities=similarities,
        scores=scores,
        tree=tree,
        groups=groups,
        chosen=drawing.chosen,
        neighbors=drawing.neighbors,
        layout=drawing.layout,
        left_out=inputs.left_out,
        pictures=pictures_of(drawing),
    )


def _similarities(
    inputs: TransferabilityMapData, params: TransferabilityMapParams, report: Report
) -> Similarities:
    if inputs.similarities is not None:
        return inputs.similarities
    similarities = all_pairs(
        inputs.graphs,
        min_valid=params.settings.min_valid,
        variant=params.settings.ranks,
        nodes=params.settings.nodes,
        report=report,
    )
    return replace(similarities, models=inputs.models)


def _subtitle(probes: str, edge_weight: float) -> str:
    weighed = f"λ = {edge_weight:g}" if edge_weight else "maps alone (λ = 0)"
    return f"seen through “{shortened(probes)}” · {weighed}"


def _require_possible(count: int, params: TransferabilityMapParams) -> None:
    if count == 0:
        raise NothingToPlaceError(
            "no network of this probe set has a comparable graph",
            remedy="measure networks on the probe set first, for example with POST /v1/rankings",
        )
    if params.k is not None and params.k >= count:
        raise OutOfRangeError(
            f"{count} networks have at most {count - 1} neighbors each, not {params.k}",
            code="k_out_of_range",
            remedy="use a smaller k, or omit it",
        )
    if params.clusters is not None and params.clusters > count:
        raise OutOfRangeError(
            f"{counted(count, 'network')} cannot form {params.clusters} clusters",
            code="clusters_out_of_range",
            remedy="use fewer clusters, or omit the number",
        )


def _require_matrix(count: int) -> None:
    """Require few enough networks for a matrix of all pairs."""
    if count > LARGEST_MAP:
        raise MapTooLargeError(
            f"{count} networks exceed the {LARGEST_MAP} of a matrix of all pairs",
            remedy="omit comparison, so that sketches place the networks, or list the models",
        )
