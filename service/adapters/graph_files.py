"""Exact similarities of graph files, computed within a request.

This module and ``response_files``, the only ones of the service that use numpy, import it on first
use: Python alone is too slow for fifty vectors of 18 000 half-precision numbers (ADR 0013).
The file format and the arithmetic are those of ``workers.torchkit.similarity.graphs`` and
``workers.torchkit.similarity.similarity``; a test compares the two.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from service.core.blobs import BlobStore
from service.core.catalog.measurement import Nodes, RankVariant
from service.core.errors import BlobDamagedError, NotFoundError
from service.core.operations.neighbors.closeness import Closeness

if TYPE_CHECKING:
    import numpy as np

# What one request may read: 50 graphs of 340 probes on a 32 × 32 grid, none of 1 000 on 256 × 256.
MOST_BYTES = 64 * 1024 * 1024
LENGTH_BYTES = 8
_HEADER_BYTES = 64 * 1024


class GraphFiles:
    """Compares the graph files of a store."""

    def __init__(self, blobs: BlobStore, *, most_bytes: int = MOST_BYTES) -> None:
        self._blobs = blobs
        self._most_bytes = most_bytes

    def compare(
        self,
        target: str,
        others: Sequence[str],
        *,
        variant: RankVariant,
        min_valid: float,
        nodes: Nodes = Nodes.MAPS,
    ) -> dict[str, Closeness]:
        """Similarity of the target to as many of the others as ``most_bytes`` allows."""
        max_graphs = self._most_bytes // self._size(target) - 1 if others else 0
        target_graph = self._graph(target) if max_graphs > 0 else None
        if target_graph is None:
            return {}
        similarities = {}
        for digest in others[:max_graphs]:
            graph = self._graph(digest)
            if graph is not None and (nodes is Nodes.MAPS or same_probes(target_graph, graph)):
                similarities[digest] = closeness(
                    target_graph, graph, variant=variant, min_valid=min_valid
                )
        return similarities

    def image_similarities(self, first: str, second: str) -> Sequence[float | None]:
        """Cosine of the two maps of each probe; None where it does not count for both."""
        if 2 * self._size(first) > self._most_bytes:
            return []
        left, right = self._graph(first), self._graph(second)
        if left is None or right is None or len(left.mask) != len(right.mask):
            return []
        products = (left.maps * right.maps).reshape(len(left.mask), -1).sum(axis=1)
        common = left.mask & right.mask
        return [float(x) if valid else None for x, valid in zip(products, common, strict=True)]

    def _size(self, digest: str) -> int:
        """Size of a graph file in bytes, from its header; all files of one probe set have the same."""
        try:
            start = b"".join(self._blobs.read(digest, start=0, length=_HEADER_BYTES))
            length, header = header_of(start)
        except (NotFoundError, BlobDamagedError, ValueError):
            return self._most_bytes
        tensors = [tensor for name, tensor in header.items() if name != "__metadata__"]
        return LENGTH_BYTES + length + int(max(tensor["data_offsets"][1] for tensor in tensors))

    def _graph(self, digest: str) -> "GraphArrays | None":
        """The graph in a file; None if the file is missing, damaged or holds none."""
        try:
            return arrays_of(b"".join(self._blobs.read(digest)))
        except (NotFoundError, BlobDamagedError, ValueError, KeyError):
            return None


@dataclass(frozen=True)
class GraphArrays:
    """The tensors of one graph file: unit maps (flattened), doubled ranks, valid probes."""

    maps: "np.ndarray[Any, Any]"
    ranks: "np.ndarray[Any, Any]"
    mask: "np.ndarray[Any, Any]"

    @cached_property
    def standardized(self) -> "np.ndarray[Any, Any]":
        """ρ of the stored ranks."""
        return _standardized(self.ranks)


def arrays_of(data: bytes) -> GraphArrays:
    """The tensors of a graph file, without copying the large ones."""
    import numpy as np

    length, header = header_of(data)
    forms = {"maps": "<f2", "ranks": "<i4", "mask": "?"}
    parts = {}
    for name, form in forms.items():
        start, stop = (LENGTH_BYTES + length + at for at in header[name]["data_offsets"])
        parts[name] = np.frombuffer(memoryview(data)[start:stop], dtype=form)
    return GraphArrays(parts["maps"].astype(np.float32), parts["ranks"], parts["mask"])


def same_probes(left: GraphArrays, right: GraphArrays) -> bool:
    """Whether the same probes are valid for both."""
    return bool((left.mask == right.mask).all())


def closeness(
    left: GraphArrays, right: GraphArrays, *, variant: RankVariant, min_valid: float
) -> Closeness:
    """Node and edge similarity over the probes that are valid for both."""
    common = left.mask & right.mask
    valid = int(common.sum())
    if valid < min_valid * len(common):
        return Closeness(None, None)
    # Maps of invalid probes are zero, so products over all probes are those over the common ones.
    node = float(left.maps @ right.maps) / valid
    if same_probes(left, right):
        return Closeness(node, float(left.standardized @ right.standardized))
    ranks = (_ranks_among(graph.ranks, common, variant) for graph in (left, right))
    first, second = (_standardized(graph) for graph in ranks)
    return Closeness(node, float(first @ second))


def _standardized(ranks: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    """Present ranks minus their mean, divided by their norm; all 0 if they are equal."""
    import numpy as np

    present = ranks > 0
    values = ranks.astype(np.float64)
    deviations = np.where(present, values - values.sum() / max(1, int(present.sum())), 0.0)
    norm = float(np.sqrt(deviations @ deviations))
    return deviations / norm if norm > 0 else deviations


def _ranks_among(
    ranks: "np.ndarray[Any, Any]", common: "np.ndarray[Any, Any]", variant: RankVariant
) -> "np.ndarray[Any, Any]":
    """Doubled ranks among the edges of the common probes; 0 elsewhere."""
    import numpy as np

    rows, columns = np.triu_indices(len(common), k=1)
    present = common[rows] & common[columns]
    reranked = np.zeros_like(ranks)
    doubled = _midranks if variant is RankVariant.MIDRANK else _ordinals
    reranked[present] = doubled(ranks[present])
    return reranked


def _midranks(values: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    """Twice the middle rank."""
    import numpy as np

    _, group, sizes = np.unique(values, return_inverse=True, return_counts=True)
    shared: np.ndarray[Any, Any] = (2 * sizes.cumsum() - sizes + 1)[group]
    return shared


def _ordinals(values: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    """Twice the position in a stable sort."""
    import numpy as np

    positions = np.empty(len(values), dtype=np.int64)
    positions[values.argsort(kind="stable")] = 2 * np.arange(1, len(values) + 1)
    return positions


def header_of(data: bytes) -> tuple[int, dict[str, Any]]:
    """Length of a safetensors header, and its content."""
    length = int.from_bytes(data[:LENGTH_BYTES], "little")
    header: dict[str, Any] = json.loads(data[LENGTH_BYTES : LENGTH_BYTES + length])
    return length, header
