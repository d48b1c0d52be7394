"""The result of placing networks on a map."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from service.core.results.base import (
    AskedModelId,
    Facts,
    FileName,
    JobResult,
    Number,
    ShortText,
    SmallCount,
)

SIMILARITIES = "similarities.safetensors"
MOST_NETWORKS = 100_000

Indices = Annotated[tuple[SmallCount, ...], Field(max_length=MOST_NETWORKS)]


class JoinFacts(Facts):
    """Two groups become one at ``height``."""

    left: SmallCount
    right: SmallCount
    height: Number
    size: SmallCount


class TreeFacts(Facts):
    """All joins, lowest first, and the drawing order of the networks."""

    joins: tuple[JoinFacts, ...] = Field(max_length=MOST_NETWORKS)
    order: Indices


class NeighborFacts(Facts):
    """A similar network: its index on the map, and how similar it is."""

    index: SmallCount
    similarity: Number


class LeftOutFacts(Facts):
    """A network without a position, and the status of its measurement."""

    model_id: AskedModelId
    status: ShortText


class SketchedMapFacts(Facts):
    """How a map estimates: the networks that span its plane, and the bound on a score's error.

    ``largest_error`` holds for unrelated networks in 99 of 100 cases; the nearer two are, the smaller.
    """

    landmarks: SmallCount
    largest_error: Number


class MapDocument(Facts):
    """The map: lists with one entry per network have the order of ``models``.

    A map from sketches has no tree, and no neighbors.
    """

    models: tuple[AskedModelId, ...] = Field(min_length=1, max_length=MOST_NETWORKS)
    names: tuple[ShortText, ...] = Field(max_length=MOST_NETWORKS)
    tasks: tuple[ShortText, ...] = Field(max_length=MOST_NETWORKS)
    tree: TreeFacts | None
    sketches: SketchedMapFacts | None = None
    clusters: Indices
    typical: Indices
    neighbors: tuple[
        Annotated[tuple[NeighborFacts, ...], Field(max_length=MOST_NETWORKS)], ...
    ] = Field(max_length=MOST_NETWORKS)
    points: tuple[tuple[Number, Number], ...] = Field(max_length=MOST_NETWORKS)
    stress: Number
    left_out: tuple[LeftOutFacts, ...] = Field(max_length=MOST_NETWORKS)

    @model_validator(mode="after")
    def _one_entry_per_network(self) -> Self:
        count = len(self.models)
        if len(set(self.models)) != count:
            raise ValueError("models must contain a network once")
        for name in ("names", "tasks", "clusters", "neighbors", "points"):
            if len(getattr(self, name)) != count:
                raise ValueError(f"{name} must have one entry for each of the {count} networks")
        if (self.tree is None) != (self.sketches is not None):
            raise ValueError("a map has either a tree or sketches")
        return self

    @model_validator(mode="after")
    def _indices_are_on_the_map(self) -> Self:
        count = len(self.models)
        near = [neighbor.index for row in self.neighbors for neighbor in row]
        if max([*near, *self.typical, *self.clusters], default=0) >= count:
            raise ValueError(f"neighbors, typical and clusters must be below {count}")
        return self

    @model_validator(mode="after")
    def _tree_joins_all_networks(self) -> Self:
        if self.tree is None:
            return self
        count = len(self.models)
        if sorted(self.tree.order) != list(range(count)) or len(self.tree.joins) != count - 1:
            raise ValueError("tree must contain every network once")
        joined = [side for join in self.tree.joins for side in (join.left, join.right)]
        if max(joined, default=0) >= 2 * count - 1:
            raise ValueError(f"groups of the tree must be below {2 * count - 1}")
        return self


class PlacedNetworks(JobResult):
    """A map, with the names of its pictures."""

    document: MapDocument
    pictures: tuple[FileName, ...] = Field(max_length=100)

    def file_names(self) -> frozenset[str]:
        """The pictures and the exact similarities, which a map from sketches does not have."""
        exact = set() if self.document.tree is None else {SIMILARITIES}
        return frozenset({*self.pictures, *exact})
