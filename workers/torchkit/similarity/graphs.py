"""The graph of a measured network (maps, ranked edges, valid probes) and its file format.

Axes: ``probe`` one image, ``pixel`` one position of the flattened map, ``edge`` one pair of probes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float16, Int32
from safetensors import safe_open
from torch import Tensor

from service.core.errors import MethodError

MAPS, RANKS, MASK = "maps", "ranks", "mask"


class NotComparableError(MethodError):
    """Two graphs use different probes or settings and must not be compared."""

    code = "not_comparable"


class UnreadableGraphError(MethodError):
    """A graph file lacks a part, or its parts are inconsistent."""

    code = "graph_unreadable"


class MeasurementStatus(StrEnum):
    """Whether a measured network can be compared.

    ``degenerate``: too few usable probes. ``constant_edges``: its features do not distinguish
    probes; nodes can still be compared.
    """

    OK = "ok"
    DEGENERATE = "degenerate"
    CONSTANT_EDGES = "constant_edges"


@runtime_checkable
class GraphSource(Protocol):
    """A graph whose large parts are read on demand, one slice at a time."""

    @property
    def model_id(self) -> str:
        """The network."""
        ...

    @property
    def comparable_key(self) -> str:
        """Hash of probe set and settings; graphs with equal keys can be compared."""
        ...

    @property
    def status(self) -> MeasurementStatus:
        """Whether the graph can be compared."""
        ...

    @property
    def mask(self) -> Tensor:
        """Valid probes, boolean."""
        ...

    @property
    def pixels(self) -> int:
        """Length of one map."""
        ...

    def read_maps(self, start: int = 0, stop: int | None = None) -> Tensor:
        """Unit rows of probes ``start`` … ``stop``, float16."""
        ...

    def read_ranks(self, start: int = 0, stop: int | None = None) -> Tensor:
        """Doubled ranks of edges ``start`` … ``stop``, int32."""
        ...


@dataclass(frozen=True)
class DeparaGraph:
    """A whole graph in memory.

    Attributes:
        maps: Unit rows, zero for invalid probes.
        ranks: Doubled ranks of the edges; 0 where an edge touches an invalid probe.
    """

    model_id: str
    comparable_key: str
    maps: Float16[Tensor, "probe pixel"]
    ranks: Int32[Tensor, " edge"]
    mask: Bool[Tensor, " probe"]
    status: MeasurementStatus = MeasurementStatus.OK

    @property
    def pixels(self) -> int:
        """Length of one map."""
        return self.maps.shape[1]

    def read_maps(self, start: int = 0, stop: int | None = None) -> Tensor:
        """Unit rows of a range of probes."""
        return self.maps[start:stop]

    def read_ranks(self, start: int = 0, stop: int | None = None) -> Tensor:
        """Doubled ranks of a range of edges."""
        return self.ranks[start:stop]


class GraphFile:
    """A graph in a safetensors file; only its small parts are kept in memory."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with safe_open(path, framework="pt") as file:
            _require_parts(path.name, set(file.keys()))
            metadata = file.metadata() or {}
            self.mask = file.get_tensor(MASK)
            probes, self.pixels = file.get_slice(MAPS).get_shape()
            (edges,) = file.get_slice(RANKS).get_shape()
        _require_sizes(path.name, (probes, edges), self.mask)
        self.model_id = metadata.get("model_id", path.stem)
        self.comparable_key = metadata.get("comparable_key", "")
        self.status = MeasurementStatus(metadata.get("status", MeasurementStatus.OK))

    def read_maps(self, start: int = 0, stop: int | None = None) -> Tensor:
        """Unit rows of a range of probes, read from the file."""
        return self._slice(MAPS, start, stop)

    def read_ranks(self, start: int = 0, stop: int | None = None) -> Tensor:
        """Doubled ranks of a range of edges, read from the file."""
        return self._slice(RANKS, start, stop)

    def _slice(self, name: str, start: int, stop: int | None) -> Tensor:
        with safe_open(self._path, framework="pt") as file:
            part: Tensor = file.get_slice(name)[start:stop]
        return part


def to_tensors(graph: DeparaGraph) -> dict[str, Tensor]:
    """The tensors of a graph, as stored in a safetensors file."""
    return {MAPS: graph.maps, RANKS: graph.ranks, MASK: graph.mask}


def to_metadata(graph: DeparaGraph) -> dict[str, str]:
    """The metadata of a graph for the file's header."""
    return {
        "model_id": graph.model_id,
        "comparable_key": graph.comparable_key,
        "status": graph.status.value,
    }


def from_tensors(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> DeparaGraph:
    """The graph stored in these tensors. Raises UnreadableGraphError."""
    _require_parts("the graph", set(tensors))
    maps, ranks, mask = tensors[MAPS], tensors[RANKS], tensors[MASK]
    _require_sizes("the graph", (len(maps), len(ranks)), mask)
    return DeparaGraph(
        metadata.get("model_id", ""),
        metadata.get("comparable_key", ""),
        maps,
        ranks,
        mask,
        MeasurementStatus(metadata.get("status", MeasurementStatus.OK)),
    )


def require_comparable(left: GraphSource, right: GraphSource) -> None:
    """Raises NotComparableError unless probes, grid and settings agree."""
    facts = [(graph.comparable_key, graph.pixels, len(graph.mask)) for graph in (left, right)]
    if facts[0] != facts[1]:
        raise NotComparableError(
            f"{left.model_id} and {right.model_id} were measured with different probes or"
            " settings",
            remedy="measure both on the same probe set with the same settings",
        )


def usable(graph: GraphSource) -> bool:
    """Whether the nodes of the graph can be compared."""
    return graph.status is not MeasurementStatus.DEGENERATE


def _require_parts(name: str, present: set[str]) -> None:
    missing = {MAPS, RANKS, MASK} - present
    if missing:
        raise UnreadableGraphError(f"{name} lacks {', '.join(sorted(missing))}")


def _require_sizes(name: str, sizes: tuple[Any, Any], mask: Tensor) -> None:
    probes = len(mask)
    if mask.dtype != torch.bool or sizes != (probes, probes * (probes - 1) // 2):
        raise UnreadableGraphError(
            f"{name} has {sizes[0]} maps, {sizes[1]} edges and {probes} mask entries"
        )
