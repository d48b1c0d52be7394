"""All pairs of networks, the tree and the plane that follow, and their pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from service.core.catalogue.transferability_map import TransferabilityMapParams
from service.core.errors import MethodError
from workers.contract import Report
from workers.methods.transferability_map.pictures import pictures_of
from workers.torchkit.all_pairs import Similarities, all_pairs
from workers.torchkit.graphs import GraphSource, GraphStatus, usable
from workers.torchkit.layout import Layout, dissimilarities, filled_by_median, layout
from workers.torchkit.trees import Tree, task_tree

LARGEST_MAP = 4000


class NothingToPlaceError(MethodError):
    """No network of the probe set has a graph that can be compared."""

    code = "nothing_to_place"


class MapTooLargeError(MethodError):
    """More networks than a matrix of all pairs is drawn for."""

    code = "map_too_large"


@dataclass(frozen=True)
class Inputs:
    """The graphs, which may be read from files as they are needed, and names to draw."""

    graphs: Sequence[GraphSource]
    names: tuple[str, ...]


@dataclass(frozen=True)
class LeftOut:
    """A network that cannot be placed, and the status of its measurement."""

    model_id: str
    status: GraphStatus


@dataclass(frozen=True)
class Result:
    """The map.

    Attributes:
        similarities: Both parts for every two networks that are placed; NaN where two have too
            few valid probes in common.
        scores: s_V + λ s_E, NaN as above.
        tree: Over rows of s/(1+λ), missing scores filled by the median.
        layout: Points of the plane and their stress.
        pictures: Files by name, PNG and SVG.
    """

    models: tuple[str, ...]
    names: tuple[str, ...]
    similarities: Similarities
    scores: Float64[np.ndarray, "model model"]
    tree: Tree
    layout: Layout
    left_out: tuple[LeftOut, ...]
    pictures: Mapping[str, bytes]


def run(inputs: Inputs, params: TransferabilityMapParams, report: Report) -> Result:
    """Place every network. Raises NothingToPlaceError, MapTooLargeError, NotComparableError."""
    placed = [place for place, graph in enumerate(inputs.graphs) if usable(graph)]
    _require_some(len(placed))
    names = tuple(inputs.names[place] for place in placed)
    similarities = all_pairs(
        [inputs.graphs[place] for place in placed],
        min_valid=params.settings.min_valid,
        variant=params.settings.ranks,
        report=report,
    )
    scores = similarities.scores(params.edge_weight).numpy()
    # Divided by what a network scores with itself, so that the diagonal is the rows' maximum.
    relative = filled_by_median(scores) / (1.0 + params.edge_weight)
    tree = task_tree(relative, method=params.linkage)
    points = layout(dissimilarities(scores, edge_weight=params.edge_weight))
    drawn = pictures_of(names, scores, tree, points)
    left_out = tuple(
        LeftOut(graph.model_id, graph.status) for graph in inputs.graphs if not usable(graph)
    )
    return Result(similarities.models, names, similarities, scores, tree, points, left_out, drawn)


def _require_some(count: int) -> None:
    if count == 0:
        raise NothingToPlaceError(
            "no network of this probe set could be compared",
            remedy="measure networks on the probe set first: POST /v1/rankings does",
        )
    if count > LARGEST_MAP:
        raise MapTooLargeError(
            f"{count} networks are more than {LARGEST_MAP}", remedy="name the models to place"
        )
