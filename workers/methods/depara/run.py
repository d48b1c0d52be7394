"""Measures one network: attribution maps are nodes, ranked feature similarities are edges."""

import time
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from service.core.catalog.depara import DeparaParams
from workers.torchkit.attribution.attribution import FeatureMaps, MapSettings, feature_maps
from workers.torchkit.attribution.canonical import Preprocessing
from workers.torchkit.attribution.captum_methods import METHODS
from workers.torchkit.attribution.features import FeatureReader
from workers.torchkit.devices import NumericPolicy
from workers.torchkit.protocols import Report
from workers.torchkit.similarity.edges import Edges, EdgeStatus, draw_edges
from workers.torchkit.similarity.graphs import DeparaGraph, MeasurementStatus, usable
from workers.torchkit.similarity.sketches import graph_sketch


@dataclass(frozen=True)
class DeparaData:
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
        grid: Side of the maps.
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
    graph, detail = _graph(inputs, measured, edges, params.min_valid)
    sketch = graph_sketch(graph.maps, graph.ranks) if usable(graph) else None
    timing = DeparaTiming(mapped - started, connected - mapped, time.perf_counter() - connected)
    valid = int(graph.mask.sum())
    return DeparaResult(graph, detail, valid, measured.grid, sketch, measured.policy, timing)


def _measure(inputs: DeparaData, params: DeparaParams, report: Report) -> FeatureMaps:
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
    inputs: DeparaData, measured: FeatureMaps, edges: Edges, min_valid: float
) -> tuple[DeparaGraph, str | None]:
    """The graph with float16 maps, zero for probes without edges, and the status detail."""
    # A probe whose centered feature vanishes is invalid for edges, hence for nodes too.
    maps = measured.maps.to(torch.float16).masked_fill(~edges.mask.unsqueeze(1), 0.0)
    status, detail = verdict(edges.mask, edges.status, min_valid)
    key = inputs.comparable_key
    return DeparaGraph(inputs.model_id, key, maps, edges.ranks, edges.mask, status), detail


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
        return MeasurementStatus.CONSTANT_EDGES, "the feature is the same for every probe"
    return MeasurementStatus.OK, None
