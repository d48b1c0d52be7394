"""One look at all probes: map cosines of every layer to the target, and the features that fit."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from service.core.catalogue.layer_selection import LayerSelectionParams
from service.core.catalogue.measurement import Attribution
from service.core.errors import MethodError
from workers.contract import Report
from workers.torchkit.attribution import unit_rows
from workers.torchkit.canonical import Preprocessing, to_canonical, to_network_input
from workers.torchkit.devices import batch_size_for, bytes_kept_for_backward, device_of
from workers.torchkit.features import FeatureReader, Slope
from workers.torchkit.gradients import NoGradient, attributed_by_gradient, input_gradients
from workers.torchkit.similarity import probe_cosines


@dataclass(frozen=True)
class Side:
    """A network and how it sees the probes."""

    network: FeatureReader
    preprocessing: Preprocessing

    def inputs(self, images: UInt8[Tensor, "probe side side 3"]) -> Float[Tensor, "probe c h w"]:
        """Probes as this network takes them, where it is."""
        return to_network_input(images.to(device_of(self.network)), self.preprocessing)


@dataclass(frozen=True)
class Measure:
    """What one probe costs: bytes kept for backward, and the shape of every layer's output."""

    bytes_per_probe: int
    shapes: dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class LayerBatch:
    """One layer on one batch: unit maps, features, which of them are valid."""

    layer: str
    maps: Float[Tensor, "probe pixel"]
    features: Float[Tensor, "probe unit"]
    mask: Bool[Tensor, " probe"]


class Seen:
    """One layer on all probes: cosines of its maps to the target's, and its features if kept."""

    def __init__(self, layer: str, *, probes: int, shape: tuple[int, ...], kept: bool) -> None:
        self.layer = layer
        self.shape = shape
        self.units = math.prod(shape)
        self.mask = torch.zeros(probes, dtype=torch.bool)
        self.cosines = torch.zeros(probes)
        self.kept = kept
        self.features = torch.zeros(probes if kept else 0, self.units)
        self.problem: MethodError | None = None

    def add(self, batch: LayerBatch, start: int, target_maps: Tensor) -> None:
        """Take in the batch that begins at probe ``start``."""
        place = slice(start, start + len(batch.mask))
        self.mask[place] = batch.mask.cpu()
        self.cosines[place] = probe_cosines(batch.maps.cpu(), target_maps.cpu())
        if self.kept:
            self.features[place] = batch.features.cpu()

    def forget(self) -> None:
        """Let go of the features."""
        self.features = torch.empty(0, self.units)


def measure_of(
    side: Side, layers: Sequence[str], image: UInt8[Tensor, "1 side side 3"]
) -> Measure:
    """What one probe costs when all layers are read at once."""
    inputs = side.inputs(image).requires_grad_()
    shapes: dict[str, tuple[int, ...]] = {}

    def forward() -> Tensor:
        values = side.network.read(inputs, layers, slope=Slope.EXACT)
        shapes.update({layer: tuple(value.shape[1:]) for layer, value in values.items()})
        return values[layers[-1]]

    kept = bytes_kept_for_backward(forward, apart_from=list(side.network.parameters()))
    return Measure(kept, shapes)


def batch_size_of(measures: Sequence[Measure], *, budget_bytes: int, device: torch.device) -> int:
    """Probes per batch, from what one makes both networks keep."""
    needed = sum(one.bytes_per_probe for one in measures)
    return batch_size_for(needed, budget_bytes=budget_bytes, device=device)


def layer_batches(
    side: Side,
    layers: Sequence[str],
    images: UInt8[Tensor, "probe side side 3"],
    params: LayerSelectionParams,
    *,
    grid: int,
) -> Iterator[LayerBatch | NoGradient]:
    """Unit maps on the canonical grid and features of every layer, the last named first."""
    inputs = side.inputs(images)
    secant = params.attribution is Attribution.EPSILON_LRP
    slope = Slope.EPSILON_LRP if secant else Slope.EXACT
    found = input_gradients(side.network, inputs, layers, target=params.target, slope=slope)
    for one in found:
        if isinstance(one, NoGradient):
            yield one
            continue
        raw = attributed_by_gradient(params.attribution, inputs, one.gradient)
        planes = to_canonical(raw, side.preprocessing, channel=params.channel, grid=grid)
        maps, mask = unit_rows(planes.flatten(1), one.features)
        features = one.features.masked_fill(~mask.unsqueeze(1), 0.0)
        yield LayerBatch(one.layer, maps, features, mask)


@dataclass(frozen=True)
class Look:
    """How all probes are looked at: by both sides, ``batch_size`` at a time."""

    source: Side
    target: Side
    batch_size: int
    grid: int
    params: LayerSelectionParams

    def at_all(
        self,
        probes: UInt8[Tensor, "probe side side 3"],
        sources: Sequence[Seen],
        target: Seen,
        report: Report,
    ) -> None:
        """Fill ``sources``, in the order of computation, and ``target``.

        Raises:
            DetachedFeatureError, UnusableFeatureError: Of the target's layer; a source's layer
                only gets a ``problem``.
        """
        seen = {one.layer: one for one in sources}
        for start in range(0, len(probes), self.batch_size):
            images = probes[start : start + self.batch_size]
            (aim,) = self._batches(self.target, [target.layer], images)
            if isinstance(aim, NoGradient):
                raise aim.problem
            target.add(aim, start, aim.maps)
            for batch in self._batches(self.source, list(seen), images):
                if isinstance(batch, NoGradient):
                    seen[batch.layer].problem = batch.problem
                else:
                    seen[batch.layer].add(batch, start, aim.maps)
            report(start + len(images), len(probes) + len(sources), "maps")

    def _batches(
        self, side: Side, layers: Sequence[str], images: Tensor
    ) -> Iterator[LayerBatch | NoGradient]:
        return layer_batches(side, layers, images, self.params, grid=self.grid)
