"""Measures one network: attribution maps are nodes, ranked feature similarities are edges."""

import time
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from service.core.catalogue.depara import DeparaParams
from workers.contract import Report
from workers.torchkit.attribution import FeatureMaps, MapSettings, feature_maps
from workers.torchkit.canonical import Preprocessing
from workers.torchkit.captum_methods import METHODS
from workers.torchkit.devices import NumericPolicy
from workers.torchkit.edges import Edges, EdgeStatus, draw_edges
from workers.torchkit.features import FeatureReader
from workers.torchkit.graphs import Graph, GraphStatus, usable
from workers.torchkit.sketches import graph_sketch


@dataclass(frozen=True)
class Inputs:
    """One network and the probes.

    Attributes:
        comparable_key: Hash of probe set and settings, stored with the graph.
        probes: Canonical frames.
    """

    model_id: str
    comparable_key: str
    network: FeatureReader
    preprocessing: Preprocessing
    probes: UInt8[Tensor, "probe side side 3"]


@dataclass(frozen=True)
class Timing:
    """Seconds spent on the pass through the network, on the edges and on the sketches."""

    maps: float
    edges: float
    sketches: float


@dataclass(frozen=True)
class Result:
    """The graph, its sketch for the vector index, and facts about the measurement.

    Attributes:
        detail: Why the status is not ok; None if it is.
        valid_probes: Probes whose map and feature can be compared.
        grid: Side of the maps.
        sketch: Represents the graph in a vector index; None if it cannot be compared.
    """

    graph: Graph
    detail: str | None
    valid_probes: int
    grid: int
    sketch: Float[Tensor, " bucket"] | None
    policy: NumericPolicy
    timing: Timing


def run(inputs: Inputs, params: DeparaParams, report: Report) -> Result:
    """The graph of one network."""
    started = time.perf_counter()
    measured = _measure(inputs, params, report)
    mapped = time.perf_counter()
    edges = draw_edges(
        measured.features,
        measured.mask,
        centering=params.centring,
        variant=params.ranks,
        spectrum=params.spectrum,
    )
    connected = time.perf_counter()
    graph, detail = _graph(inputs, measured, edges, params.min_valid)
    sketch = graph_sketch(graph.maps, graph.ranks) if usable(graph) else None
    timing = Timing(mapped - started, connected - mapped, time.perf_counter() - connected)
    valid = int(graph.mask.sum())
    return Result(graph, detail, valid, measured.grid, sketch, measured.policy, timing)


def _measure(inputs: Inputs, params: DeparaParams, report: Report) -> FeatureMaps:
    settings = MapSettings(
        target=params.target,
        channel=params.channel,
        grid=params.grid,
        layer=params.layer,
        precision=params.precision,
        min_valid=params.min_valid,
        seed=params.seed,
    )
    return feature_maps(
        inputs.network,
        inputs.probes,
        inputs.preprocessing,
        METHODS[params.attribution],
        settings=settings,
        report=report,
    )


def _graph(
    inputs: Inputs, measured: FeatureMaps, edges: Edges, min_valid: float
) -> tuple[Graph, str | None]:
    """The graph with float16 maps, zero for probes without edges, and the status detail."""
    # A probe whose centered feature vanishes is invalid for edges, hence for nodes too.
    maps = measured.maps.to(torch.float16).masked_fill(~edges.mask.unsqueeze(1), 0.0)
    status, detail = verdict(edges.mask, edges.status, min_valid)
    key = inputs.comparable_key
    return Graph(inputs.model_id, key, maps, edges.ranks, edges.mask, status), detail


def verdict(
    mask: Bool[Tensor, " probe"], edges: EdgeStatus, min_valid: float
) -> tuple[GraphStatus, str | None]:
    """Whether the network can be compared, and the reason if it cannot."""
    valid, probes = int(mask.sum()), len(mask)
    if valid < min_valid * probes:
        return GraphStatus.DEGENERATE, (
            f"only {valid} of {probes} probes have a map and a feature that are finite and nonzero;"
            f" {min_valid:.0%} are needed"
        )
    if edges is EdgeStatus.CONSTANT_EDGES:
        return GraphStatus.CONSTANT_EDGES, "the feature is the same for every probe"
    return GraphStatus.OK, None
