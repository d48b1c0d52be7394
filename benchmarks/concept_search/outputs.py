"""What every network says of every image: computed once, then read from the cache."""

import time
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float32, Float64
from torch import Tensor

from benchmarks.concept_search.images import ImageGroup
from benchmarks.real_networks import NETWORKS
from benchmarks.real_networks.network import RealNetwork
from benchmarks.real_run.stages import say
from benchmarks.real_transfer.storage import read, stored
from service.core.manifest import TaskKind
from service.core.output_scales import OutputScale
from workers.methods.unit_responses.maths import log_odds
from workers.programs.outputs import scale_of
from workers.torchkit.attribution.canonical import Preprocessing, to_network_input

_BATCH = 32


@dataclass(frozen=True)
class Outputs:
    """Outputs of one network for the images of one group, and the seconds that each image took."""

    logits: Float32[Tensor, "image unit"]
    seconds_per_image: float

    @property
    def responses(self) -> Float64[Tensor, "image unit"]:
        """Log-odds of every class, as the method stores them; of logits or of probabilities."""
        values = self.logits.double()
        if scale_of(values, task=TaskKind.CLASSIFICATION) is OutputScale.PROBABILITIES:
            values = values.clamp_min(torch.finfo(torch.float32).tiny).log()
        return values if values.shape[1] == 1 else log_odds(values)


def classifiers() -> list[RealNetwork]:
    """The published classifiers, the cheapest first."""
    networks = [network for network in NETWORKS if network.task is TaskKind.CLASSIFICATION]
    return sorted(networks, key=lambda network: network.input.height * network.input.width)


def outputs(data: Path, cache: Path, network: RealNetwork, group: ImageGroup) -> Outputs:
    """The outputs of a network on a group, from the cache if they are there."""
    path = cache / f"{network.name}--{group.name}.safetensors"
    if not path.exists():
        say(f"{network.name} on {group.name}")
        began = time.monotonic()
        logits = _run(data, network, group)
        seconds = (time.monotonic() - began) / len(logits)
        stored(path, {"logits": logits}, {"seconds_per_image": seconds})
    return Outputs(**read(path))


def _run(data: Path, network: RealNetwork, group: ImageGroup) -> Float32[Tensor, "image unit"]:
    module, preprocessing = network.module(data), Preprocessing.of(network.input)
    parts = []
    with torch.no_grad():
        for start in range(0, len(group.frames), _BATCH):
            pixels = to_network_input(group.frames[start : start + _BATCH], preprocessing)
            parts.append(module(pixels).flatten(1).float())
    return torch.cat(parts)
