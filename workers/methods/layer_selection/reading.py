"""The pass over all probes: map cosines of every layer to the target, and features that fit."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from service.core.catalog.layer_selection import LayerSelectionParams
from service.core.catalog.measurement import Attribution
from service.core.errors import MethodError
from workers.torchkit.attribution.attribution import unit_rows
from workers.torchkit.attribution.canonical import Preprocessing, to_canonical, to_network_input
from workers.torchkit.attribution.features import FeatureReader, Slope
from workers.torchkit.attribution.gradients import (
    NoGradient,
    attributed_by_gradient,
    input_gradients,
)
from workers.torchkit.devices import batch_size_for, bytes_kept_for_backward, device_of
from workers.torchkit.protocols import Report
from workers.torchkit.similarity.similarity import probe_cosines


@dataclass(frozen=True)
class Side:
    """A network and its preprocessing of the probes."""

    network: FeatureReader
    preprocessing: Preprocessing

    def inputs(self, images: UInt8[Tensor, "probe side side 3"]) -> Float[Tensor, "probe c h w"]:
        """Probes as inputs of this network, on its device."""
        return to_network_input(images.to(device_of(self.network)), self.preprocessing)


@dataclass(frozen=True)
class Measure:
    """Cost of one probe: bytes kept for backward, and the shape of every layer's output."""

    bytes_per_probe: int
    shapes: dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class LayerBatch:
    """One layer on one batch: unit maps, features and their validity."""

    layer: str
    maps: Float[Tensor, "probe pixel"]
    features: Float[Tensor, "probe unit"]
    mask: Bool[Tensor, " probe"]


class FeatureStorage(Enum):
    """Whether the features of a layer stay in memory or are computed again on every read."""

    RESIDENT = "resident"
    RECOMPUTED = "recomputed"


class LayerFeatures:
    """One layer on all probes: map cosines to the target, and its features if resident."""

    def __init__(
        self, name: str, *, probes: int, shape: tuple[int, ...], storage: FeatureStorage
    ) -> None:
        self.name = name
        self.shape = shape
        self.units = math.prod(shape)
        self.mask = torch.zeros(probes, dtype=torch.bool)
        self.cosines = torch.zeros(probes)
        self.resident = storage is FeatureStorage.RESIDENT
        self.features = torch.zeros(probes if self.resident else 0, self.units)
        self.problem: MethodError | None = None

    def add(self, batch: LayerBatch, start: int, target_maps: Tensor) -> None:
        """Stores the batch that begins at probe ``start``."""
        rows = slice(start, start + len(batch.mask))
        self.mask[rows] = batch.mask.cpu()
        self.cosines[rows] = probe_cosines(batch.maps.cpu(), target_maps.cpu())
        if self.resident:
            self.features[rows] = batch.features.cpu()

    def drop_features(self) -> None:
        """Releases the features."""
        self.features = torch.empty(0, self.units)


def measure_of(
    side: Side, layers: Sequence[str], image: UInt8[Tensor, "1 side side 3"]
) -> Measure:
    """Cost of one probe when all layers are read in one pass."""
    inputs = side.inputs(image).requires_grad_()
    shapes: dict[str, tuple[int, ...]] = {}

    def forward() -> Tensor:
        values = side.network.read(inputs, layers, slope=Slope.EXACT)
        shapes.update({layer: tuple(value.shape[1:]) for layer, value in values.items()})
        return values[layers[-1]]

    kept_bytes = bytes_kept_for_backward(forward, apart_from=list(side.network.parameters()))
    return Measure(kept_bytes, shapes)


def batch_size_of(measures: Sequence[Measure], *, budget_bytes: int, device: torch.device) -> int:
    """Probes per batch, from the bytes that both networks keep for one probe."""
    needed = sum(measure.bytes_per_probe for measure in measures)
    return batch_size_for(needed, budget_bytes=budget_bytes, device=device)


def layer_batches(
    side: Side,
    layers: Sequence[str],
    images: UInt8[Tensor, "probe side side 3"],
    params: LayerSelectionParams,
    *,
    grid: int,
) -> Iterator[LayerBatch | NoGradient]:
    """Unit maps on the canonical grid and features of every layer, last named first."""
    inputs = side.inputs(images)
    secant = params.attribution is Attribution.EPSILON_LRP
    slope = Slope.EPSILON_LRP if secant else Slope.EXACT
    gradients = input_gradients(side.network, inputs, layers, target=params.target, slope=slope)
    for gradient in gradients:
        if isinstance(gradient, NoGradient):
            yield gradient
            continue
        raw = attributed_by_gradient(params.attribution, inputs, gradient.gradient)
        planes = to_canonical(raw, side.preprocessing, channel=params.channel, grid=grid)
        maps, mask = unit_rows(planes.flatten(1), gradient.features)
        features = gradient.features.masked_fill(~mask.unsqueeze(1), 0.0)
        yield LayerBatch(gradient.layer, maps, features, mask)


@dataclass(frozen=True)
class LayerReader:
    """Configuration of the pass over all probes: both networks, ``batch_size`` at a time."""

    source: Side
    target: Side
    batch_size: int
    grid: int
    params: LayerSelectionParams

    def at_all(
        self,
        probes: UInt8[Tensor, "probe side side 3"],
        sources: Sequence[LayerFeatures],
        target: LayerFeatures,
        report: Report,
    ) -> None:
        """Fills ``sources``, given in the order of computation, and ``target``.

        Raises:
            DetachedFeatureError, UnusableFeatureError: For the target's layer; for a source's
                layer the error is stored in ``problem``.
        """
        by_name = {layer.name: layer for layer in sources}
        for start in range(0, len(probes), self.batch_size):
            images = probes[start : start + self.batch_size]
            (target_batch,) = self._batches(self.target, [target.name], images)
            if isinstance(target_batch, NoGradient):
                raise target_batch.problem
            target.add(target_batch, start, target_batch.maps)
            for batch in self._batches(self.source, list(by_name), images):
                if isinstance(batch, NoGradient):
                    by_name[batch.layer].problem = batch.problem
                else:
                    by_name[batch.layer].add(batch, start, target_batch.maps)
            report(start + len(images), len(probes) + len(sources), "maps")

    def _batches(
        self, side: Side, layers: Sequence[str], images: Tensor
    ) -> Iterator[LayerBatch | NoGradient]:
        return layer_batches(side, layers, images, self.params, grid=self.grid)
