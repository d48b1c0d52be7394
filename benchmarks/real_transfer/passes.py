"""Every network over every target, once: features, class scores, estimates and graphs, on disk."""

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor

from benchmarks.real_networks import RealNetwork
from benchmarks.real_run.stages import say
from benchmarks.real_transfer.storage import read, stored
from benchmarks.real_transfer.targets import LabeledTarget, split_of
from service.core.catalog.depara import DeparaParams
from service.core.catalog.measurement import Attribution, Centering
from service.core.errors import ZooError
from service.core.manifest import TaskKind
from workers.methods.transferability_estimators import EstimateSettings, estimates
from workers.programs import OUTPUT, Program, read_program
from workers.programs.exporting import export_network
from workers.torchkit.attribution.attribution import MapSettings, feature_maps
from workers.torchkit.attribution.canonical import Preprocessing, to_network_input
from workers.torchkit.attribution.captum_methods import METHODS
from workers.torchkit.attribution.features import Slope
from workers.torchkit.similarity.edges import probe_products

PER_CLASS = (5, 10)
GRID = 32
_BATCH = 16
_SPATIAL = 4


@dataclass(frozen=True)
class NetworkOutputs:
    """What a network says about one target.

    Attributes:
        pooled: Features averaged over rows and columns.
        logits: Class scores; None if the network is no classifier.
    """

    pooled: Float32[Tensor, "image unit"]
    logits: Float32[Tensor, "image source"] | None


@dataclass(frozen=True)
class NetworkCosts:
    """Costs of a network."""

    parameters: int
    flops: int
    input_pixels: int
    feature_layer: str
    feature_shape: tuple[int, ...]


class Passes:
    """Results in a folder; what is already there is not computed again."""

    def __init__(self, data: Path, cache: Path) -> None:
        self._data, self.cache = data, cache
        cache.mkdir(parents=True, exist_ok=True)

    def facts(self, network: RealNetwork) -> NetworkCosts:
        """Costs of a network."""
        path = self.cache / f"{network.name}.json"
        if not path.exists():
            program = self._program(network)
            layer = next(x for x in program.layers if x.name == program.feature_layer)
            facts = NetworkCosts(
                sum(p.numel() for p in network.module(self._data).parameters()),
                program.flops,
                network.input.height * network.input.width,
                layer.name,
                tuple(layer.shape),
            )
            path.write_text(json.dumps(asdict(facts)))
        return NetworkCosts(**json.loads(path.read_text()))

    def outcome(self, network: RealNetwork, target: LabeledTarget) -> NetworkOutputs:
        """Pooled features and class scores of all images."""
        path = self._path(network, target, "npz")
        if not path.exists():
            began = time.monotonic()
            outcome = self._run(network, target)
            arrays = {"pooled": outcome.pooled.numpy()}
            if outcome.logits is not None:
                arrays["logits"] = outcome.logits.numpy()
            np.savez(path, **arrays)
            say(f"{network.name} on {target.name}: {time.monotonic() - began:.1f} s")
        with np.load(path) as arrays:
            logits = torch.from_numpy(arrays["logits"]) if "logits" in arrays else None
            return NetworkOutputs(torch.from_numpy(arrays["pooled"]), logits)

    def graph(self, network: RealNetwork, target: LabeledTarget, seed: int) -> dict[str, Any]:
        """Maps, inner products of features and flat estimates of one split; or the reason why not."""
        path = self._path(network, target, f"{seed}.safetensors")
        if not path.exists():
            began = time.monotonic()
            stored(path, *self._measured(network, target, seed))
            say(f"{network.name}, maps on {target.name}: {time.monotonic() - began:.1f} s")
        return read(path)

    def _measured(
        self, network: RealNetwork, target: LabeledTarget, seed: int
    ) -> tuple[dict[str, Tensor], dict[str, Any]]:
        chosen = split_of(target.labels, seed).ranking(target.labels, max(PER_CLASS))
        program = self._program(network)
        params = DeparaParams(grid=GRID)
        settings = MapSettings(grid=GRID, target=params.target, channel=params.channel)
        try:
            maps = feature_maps(
                program,
                target.frames[chosen],
                Preprocessing.of(network.input),
                METHODS[Attribution.GRADIENT_X_INPUT],
                settings=settings,
            )
        except ZooError as error:
            return {}, {"error": error.code}
        gram, sizes = probe_products(maps.features, maps.mask, centering=Centering.RAW)
        flat = {
            str(count): self._flat(maps.features, target, chosen, count) for count in PER_CLASS
        }
        tensors = {"maps": maps.maps.half(), "mask": maps.mask, "gram": gram, "sizes": sizes}
        return tensors, {"flat": flat}

    def _flat(
        self, features: Tensor, target: LabeledTarget, chosen: Tensor, count: int
    ) -> dict[str, float | None]:
        """Estimates from features that are not averaged over rows and columns."""
        rows = first_of_class(target.labels[chosen], count)
        result = estimates(
            features[rows], target.labels[chosen][rows], settings=EstimateSettings()
        )
        return {name.value: score for name, score in result.scores.items()}

    def _run(self, network: RealNetwork, target: LabeledTarget) -> NetworkOutputs:
        program = self._program(network)
        is_classifier = network.task is TaskKind.CLASSIFICATION
        layers = [program.feature_layer, OUTPUT] if is_classifier else [program.feature_layer]
        parts: dict[str, list[Tensor]] = {name: [] for name in layers}
        with torch.no_grad():
            for start in range(0, len(target.frames), _BATCH):
                pixels = to_network_input(
                    target.frames[start : start + _BATCH], Preprocessing.of(network.input)
                )
                for name, values in program.read(pixels, layers, slope=Slope.EXACT).items():
                    parts[name].append(pooled(values))
        values = {name: torch.cat(rows) for name, rows in parts.items()}
        return NetworkOutputs(values[program.feature_layer], values.get(OUTPUT))

    def _program(self, network: RealNetwork) -> Program:
        path = self.cache / f"{network.name}.pt2"
        if not path.exists():
            spec = network.input
            shape = (spec.channels, spec.height, spec.width)
            return export_network(network.module(self._data), shape, path)
        return read_program(path)

    def _path(self, network: RealNetwork, target: LabeledTarget, kind: str) -> Path:
        return self.cache / f"{network.name}--{target.name.replace(' ', '_')}.{kind}"


def pooled(values: Tensor) -> Float32[Tensor, "image unit"]:
    """One vector per image, averaged over rows and columns like ``linear_probe``."""
    rows = values.mean(dim=(2, 3)) if values.ndim == _SPATIAL else values.flatten(1)
    return rows.float()


def first_of_class(labels: Tensor, count: int) -> Tensor:
    """Positions of the first images of every class, in the order of the classes."""
    return torch.cat([(labels == c).nonzero()[:count, 0] for c in range(int(labels.max()) + 1)])
