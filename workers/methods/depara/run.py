"""Measures one network: attribution maps are nodes, ranked feature similarities are edges."""

import time
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from service.core.catalog.depara import DeparaParams
from service.core.catalog.measurement import Nodes
from workers.torchkit.attribution.attribution import FeatureMaps, MapSettings, feature_maps
from workers.torchkit.attribution.canonical import Preprocessing
from workers.torchkit.attribution.captum_methods import METHODS
from workers.torchkit.attribution.features import FeatureReader
from workers.torchkit.attribution.gradients import without_maps
from workers.torchkit.devices import NumericPolicy
from workers.torchkit.protocols import Report
from workers.torchkit.similarity.edges import (
    Edges,
    EdgeStatus,
    draw_edges,
    present_edges,
    rank_edges,
)
from workers.torchkit.similarity.graphs import DeparaGraph, MeasurementStatus, usable
from workers.torchkit.similarity.relations import relations_of
from workers.torchkit.similarity.sketches import graph_sketch

_CONSTANT = "the feature is the same for every probe"


@dataclass(frozen=True)
class DeparaData:
    """One network and the probes.

    Attributes:
        comparable_key: Hash of probe set and settings, stored with the graph.
        probes: Canonical frames.
        limit_bytes: What the weights and values of a pass may take; None if nothing limits them.
    """

    model_id: str
    comparable_key: str
    network: FeatureReader
    preprocessing: Preprocessing
    probes: UInt8[Tensor, "probe side side 3"]
    limit_bytes: int | None = None


@dataclass(frozen=True)
class DeparaTiming:
    """Seconds spent on the pass through the network, on the edges and on the sketches."""

    maps: float
    edges: float
    sketches: float


@dataclass(frozen=True)
class DeparaResult:
    """The graph, its sketch for the vector index, and facts about the measurement.

    Attributes:
        detail: Why the status is not ok; None if it is.
        valid_probes: Probes whose map and feature can be compared.
        grid: Side of the maps; 1 where relations stand for them.
        sketch: Represents the graph in a vector index; None if it cannot be compared.
    """

    graph: DeparaGraph
    detail: str | None
    valid_probes: int
    grid: int
    sketch: Float[Tensor, " bucket"] | None
    policy: NumericPolicy
    timing: DeparaTiming


def run(inputs: DeparaData, params: DeparaParams, report: Report) -> DeparaResult:
    """The graph of one network."""
    started = time.perf_counter()
    measured = _measure(inputs, params, report)
    mapped = time.perf_counter()
    edges = draw_edges(
        measured.features,
        measured.mask,
        centering=params.centering,
        variant=params.ranks,
        spectrum=params.spectrum,
    )
    connected = time.perf_counter()
    if params.nodes is Nodes.MAPS:
        graph, detail = _graph(inputs, measured, edges, params.min_valid)
    else:
        graph, detail = _related_graph(inputs, measured.features, edges, params)
    sketch = graph_sketch(graph.maps, graph.ranks) if usable(graph) else None
    timing = DeparaTiming(mapped - started, connected - mapped, time.perf_counter() - connected)
    valid = int(graph.mask.sum())
    return DeparaResult(graph, detail, valid, measured.grid, sketch, measured.policy, timing)


def _measure(inputs: DeparaData, params: DeparaParams, report: Report) -> FeatureMaps:
    method = METHODS[params.attribution]
    has_maps = params.nodes is Nodes.MAPS
    settings = MapSettings(
        target=params.target,
        channel=params.channel,
        grid=params.grid if has_maps else 1,
        layer=params.layer,
        precision=params.precision,
        min_valid=params.min_valid,
        seed=params.seed,
        limit_bytes=inputs.limit_bytes,
    )
    return feature_maps(
        inputs.network,
        inputs.probes,
        inputs.preprocessing,
        method if has_maps else without_maps(method),
        settings=settings,
        report=report,
    )


def _graph(
    inputs: DeparaData, measured: FeatureMaps, edges: Edges, min_valid: float
) -> tuple[DeparaGraph, str | None]:
    """The graph with float16 maps, zero for probes without edges, and the status detail."""
    # A probe whose centered feature vanishes is invalid for edges, hence for nodes too.
    maps = measured.maps.to(torch.float16).masked_fill(~edges.mask.unsqueeze(1), 0.0)
    status, detail = verdict(edges.mask, edges.status, min_valid)
    key = inputs.comparable_key
    return DeparaGraph(inputs.model_id, key, maps, edges.ranks, edges.mask, status), detail


def _related_graph(
    inputs: DeparaData, features: Tensor, edges: Edges, params: DeparaParams
) -> tuple[DeparaGraph, str | None]:
    """The graph whose nodes are rows of relations; degenerate if the feature is constant."""
    relations = relations_of(features, edges.mask, params.nodes)
    mask = relations.mask
    status, detail = verdict(mask, edges.status, params.min_valid)
    if relations.constant and status is not MeasurementStatus.DEGENERATE:
        status, detail = MeasurementStatus.DEGENERATE, _CONSTANT
    ranks = edges.ranks
    if not torch.equal(mask, edges.mask):
        ranks = rank_edges(ranks, present_edges(mask), variant=params.ranks)
    rows, key = relations.rows.to(torch.float16), inputs.comparable_key
    return DeparaGraph(inputs.model_id, key, rows, ranks, mask, status), detail


def verdict(
    mask: Bool[Tensor, " probe"], edges: EdgeStatus, min_valid: float
) -> tuple[MeasurementStatus, str | None]:
    """Whether the network can be compared, and the reason if it cannot."""
    valid, probes = int(mask.sum()), len(mask)
    if valid < min_valid * probes:
        return MeasurementStatus.DEGENERATE, (
            f"only {valid} of {probes} probes have a map and a feature that are finite and nonzero;"
            f" {min_valid:.0%} are needed"
        )
    if edges is EdgeStatus.CONSTANT_EDGES:
        return MeasurementStatus.CONSTANT_EDGES, _CONSTANT
    return MeasurementStatus.OK, None
