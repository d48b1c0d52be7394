"""Compares every candidate layer of the source with the target's graph.

Each batch of probes takes one forward and one backward pass of the target, and one forward pass
of the source with one backward pass for each layer. Maps are compared at once and dropped.
Features stay in memory while they fit; the widest are recomputed when their edges are drawn.
"""

import math
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum

import torch
from jaxtyping import UInt8
from torch import Tensor

from service.core.catalog.layer_selection import LayerSelectionParams
from workers.methods.layer_selection.edges import Recompute, edges_of
from workers.methods.layer_selection.reading import (
    FeatureStorage,
    LayerFeatures,
    LayerReader,
    Measure,
    Side,
    batch_size_of,
    measure_of,
)
from workers.programs import PassKind
from workers.programs.memory_needs import images_that_fit
from workers.torchkit.attribution.attribution import FEATURE_LIMIT_BYTES
from workers.torchkit.attribution.features import OUTPUT, FeatureReader, resolve_layer
from workers.torchkit.devices import REFERENCE, computing_under, device_of, memory_budget
from workers.torchkit.protocols import Report
from workers.torchkit.similarity.bootstrap import Spread
from workers.torchkit.similarity.comparison import Comparison, DegenerateTargetError, RankedEdges
from workers.torchkit.similarity.edges import EdgeStatus, require_drawable
from workers.torchkit.similarity.wide_products import fit_in_memory
from workers.torchkit.training.costs import operations_up_to


class LayerStatus(StrEnum):
    """Whether a layer has a score; ``unusable``: no gradient reaches the image."""

    OK = "ok"
    DEGENERATE = "degenerate"
    CONSTANT_EDGES = "constant_edges"
    UNUSABLE = "unusable"


@dataclass(frozen=True)
class LayerSelectionData:
    """Two networks, the source's candidate layers, the target's layer, and the probes.

    Attributes:
        layers: Candidates, by name, in any order.
        target_layer: Layer of the target's graph; "output" for its logits.
        memory_bytes: Half for batches, half for features; None uses the free memory.
        limit_bytes: What the weights and values of a pass may take; None if nothing limits them.
    """

    source: Side
    layers: tuple[str, ...]
    target: Side
    target_layer: str
    probes: UInt8[Tensor, "probe side side 3"]
    memory_bytes: int | None = None
    limit_bytes: int | None = None


@dataclass(frozen=True)
class ComparedLayer:
    """One layer against the target.

    Attributes:
        depth: Share of the source's listed layers that end no later, in (0, 1].
        operations_share: Operations up to the layer over those of the whole network.
        valid_probes: Probes valid for both.
        node_similarity: s_V; None, like the rest, if the status allows no comparison.
        edge_similarity: s_E; also None for constant edges.
        spread: Variances and covariance of the two over resampled probes.
    """

    layer: str
    shape: tuple[int, ...]
    depth: float
    operations_share: float | None
    status: LayerStatus
    detail: str | None
    valid_probes: int
    node_similarity: float | None = None
    edge_similarity: float | None = None
    spread: Spread | None = None


@dataclass(frozen=True)
class LayerSelectionTiming:
    """Seconds spent on gradient passes, and on edges and intervals."""

    maps: float
    edges: float


@dataclass(frozen=True)
class LayerSelectionResult:
    """Parts of every layer's score in order of computation, to be combined for any edge weight.

    ``remade`` names the layers whose features were too wide to keep and were recomputed.
    """

    items: tuple[ComparedLayer, ...]
    remade: tuple[str, ...]
    batch_size: int
    grid: int
    timing: LayerSelectionTiming


def run(
    inputs: LayerSelectionData, params: LayerSelectionParams, report: Report
) -> LayerSelectionResult:
    """The similarity of every candidate layer to the target.

    Raises:
        UnknownLayerError: A layer is not in its network.
        DegenerateTargetError: Too few probes have a usable map of the target.
        DetachedFeatureError, UnusableFeatureError: The target's layer has no gradient.
        TooManyProbesError: There are more than 8192 probes.
    """
    require_drawable(len(inputs.probes))
    started = time.perf_counter()
    with ExitStack() as borrowed:
        for side in (inputs.source, inputs.target):
            borrowed.enter_context(computing_under(REFERENCE, side.network))
        plan = _plan_of(inputs)
        grid = params.grid or inputs.probes.shape[1]
        look = LayerReader(inputs.source, inputs.target, plan.recompute.batch_size, grid, params)
        look.at_all(inputs.probes, plan.sources, plan.target, report)
        mapped = time.perf_counter()
        items = _items(inputs, params, plan, report)
    remade = tuple(layer.name for layer in plan.sources if not layer.resident)
    timing = LayerSelectionTiming(mapped - started, time.perf_counter() - mapped)
    return LayerSelectionResult(items, remade, plan.recompute.batch_size, grid, timing)


@dataclass(frozen=True)
class _Plan:
    """Layers to measure, batch size, and how features are recomputed."""

    sources: list[LayerFeatures]
    target: LayerFeatures
    recompute: Recompute


def _plan_of(inputs: LayerSelectionData) -> _Plan:
    """The plan for batches and resident features, from the cost of one probe."""
    layers = in_order(inputs.source.network, inputs.layers)
    target_layer = resolve_layer(inputs.target.network, inputs.target_layer)
    image = inputs.probes[:1]
    source = measure_of(inputs.source, layers, image)
    target = measure_of(inputs.target, [target_layer], image)
    budget = _feature_budget(inputs)
    recompute = Recompute(inputs.probes, _batch_size(inputs, [source, target]), budget)
    shapes = [target.shapes[target_layer], *(source.shapes[layer] for layer in layers)]
    bytes_of_each = [4 * len(inputs.probes) * math.prod(shape) for shape in shapes]
    fitting = fit_in_memory(bytes_of_each, budget_bytes=budget)
    measured = [
        LayerFeatures(
            layer,
            probes=len(inputs.probes),
            shape=shape,
            storage=FeatureStorage.RESIDENT if fits else FeatureStorage.RECOMPUTED,
        )
        for layer, shape, fits in zip([target_layer, *layers], shapes, fitting, strict=True)
    ]
    return _Plan(measured[1:], measured[0], recompute)


def in_order(network: FeatureReader, layers: Sequence[str]) -> list[str]:
    """The named layers once each, in the order of computation. Raises UnknownLayerError."""
    position = {layer.name: number for number, layer in enumerate(network.layers)}
    names = {resolve_layer(network, layer) for layer in layers}
    return sorted(names, key=lambda layer: position.get(layer, len(position)))


def _batch_size(inputs: LayerSelectionData, measures: Sequence[Measure]) -> int:
    device = device_of(inputs.source.network)
    budget = inputs.memory_bytes or memory_budget(device)
    fitting = batch_size_of(measures, budget_bytes=budget // 2, device=device)
    most = min(fitting, len(inputs.probes))
    return min(
        images_that_fit(
            side.network, most=most, kind=PassKind.GRADIENT, limit_bytes=inputs.limit_bytes
        )
        for side in (inputs.source, inputs.target)
    )


def _feature_budget(inputs: LayerSelectionData) -> int:
    budget = inputs.memory_bytes or memory_budget(torch.device("cpu"))
    return min(budget // 2, FEATURE_LIMIT_BYTES)


def _items(
    inputs: LayerSelectionData, params: LayerSelectionParams, plan: _Plan, report: Report
) -> tuple[ComparedLayer, ...]:
    """Every layer's item in order; resident layers are processed first to free memory."""
    comparison = _TargetComparison(inputs, params, plan)
    costs = _operations_shares(inputs, plan.sources)
    depths = _depths(inputs.source.network)
    items: dict[str, ComparedLayer] = {}
    total = len(inputs.probes) + len(plan.sources)
    for layer in sorted(plan.sources, key=lambda layer: not layer.resident):
        facts = (layer.name, layer.shape, depths.get(layer.name, 1.0), costs[layer.name])
        items[layer.name] = ComparedLayer(*facts, **vars(comparison.verdict(layer)))
        report(len(inputs.probes) + len(items), total, "edges")
    return tuple(items[layer.name] for layer in plan.sources)


@dataclass(frozen=True)
class _Verdict:
    """The part of an item that comes from the comparison."""

    status: LayerStatus
    detail: str | None
    valid_probes: int
    node_similarity: float | None = None
    edge_similarity: float | None = None
    spread: Spread | None = None


class _TargetComparison:
    """Comparison of every layer with the target's edges."""

    def __init__(
        self, inputs: LayerSelectionData, params: LayerSelectionParams, plan: _Plan
    ) -> None:
        self._source = inputs.source
        self._params = params
        self._recompute = plan.recompute
        edges = edges_of(inputs.target, plan.target, params, plan.recompute)
        _require_usable(int(edges.mask.sum()), len(edges.mask), params.min_valid)
        self._comparison = Comparison(
            RankedEdges(edges.ranks, edges.mask),
            variant=params.ranks,
            replicates=params.replicates,
            seed=params.seed,
        )

    def verdict(self, layer: LayerFeatures) -> _Verdict:
        """One layer's status and, if it can be compared, its similarities."""
        if layer.problem is not None:
            return _Verdict(LayerStatus.UNUSABLE, layer.problem.detail, 0)
        edges = edges_of(self._source, layer, self._params, self._recompute)
        common = self._comparison.common(edges.mask)
        valid = int(common.sum())
        if valid < self._params.min_valid * len(common):
            detail = f"only {valid} of {len(common)} probes have a usable map and feature"
            return _Verdict(LayerStatus.DEGENERATE, detail, valid)
        parts = self._comparison.parts(layer.cosines, RankedEdges(edges.ranks, edges.mask))
        if edges.status is EdgeStatus.CONSTANT_EDGES:
            detail = "the layer's output is the same for every probe"
            status = LayerStatus.CONSTANT_EDGES
            return _Verdict(status, detail, valid, parts.node_similarity, None, parts.spread)
        return _Verdict(
            LayerStatus.OK, None, valid, parts.node_similarity, parts.edge_similarity, parts.spread
        )


def _require_usable(valid: int, probes: int, min_valid: float) -> None:
    if valid < min_valid * probes:
        raise DegenerateTargetError(
            f"only {valid} of {probes} probes have a usable map and feature of the target",
            remedy="choose another target, another target layer or other probes",
        )


def _depths(network: FeatureReader) -> dict[str, float]:
    """Share of the network's listed layers that end no later than each."""
    count = len(network.layers)
    return {layer.name: position / count for position, layer in enumerate(network.layers, start=1)}


def _operations_shares(
    inputs: LayerSelectionData, layers: Sequence[LayerFeatures]
) -> dict[str, float | None]:
    """Operations up to each layer over those of the whole network; None if nothing is counted."""
    network = inputs.source.network
    image = inputs.source.inputs(inputs.probes[:1])
    counted = operations_up_to(network, image, [*(layer.name for layer in layers), OUTPUT])
    total = counted[OUTPUT]
    return {layer.name: counted[layer.name] / total if total else None for layer in layers}
