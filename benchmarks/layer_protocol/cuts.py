"""What a cut reaches: the lower part frozen, a fresh upper part trained on a share of the target."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn

from benchmarks.layer_protocol import networks
from benchmarks.layer_protocol.networks import Family, features_at_cuts, fresh_part
from benchmarks.layer_protocol.tasks import ImageTask, as_inputs, drawn
from benchmarks.layer_protocol.training import Schedule, accuracy, learn
from workers.torchkit.attribution.canonical import Preprocessing
from workers.torchkit.training.steps import shifted

SCARCE, AMPLE = 0.01, 0.1
RETRAINING = {SCARCE: Schedule(60, 32, peak=2e-2), AMPLE: Schedule(80, 64, peak=2e-2)}


@dataclass(frozen=True)
class SourceNetwork:
    """A trained network that is cut at ``cuts`` (steps kept), for some shares of the target."""

    name: str
    family: Family
    network: nn.Sequential
    preprocessing: Preprocessing
    cuts: tuple[int, ...]
    shares: tuple[float, ...] = (SCARCE, AMPLE)

    @property
    def layers(self) -> list[str]:
        """Name of the deepest frozen layer of every cut."""
        return [networks.layer_names(self.network)[cut - 1] for cut in self.cuts]


class Frozen:
    """A source's features of one task's images at every cut; those for testing are kept."""

    def __init__(self, source: SourceNetwork, task: ImageTask) -> None:
        self.source = source
        self.task = task

    def of(self, frames: Tensor) -> list[Tensor]:
        """Features at each of the source's cuts."""
        inputs = as_inputs(frames, self.source.preprocessing)
        features = features_at_cuts(self.source.network, inputs)
        return [features[cut] for cut in self.source.cuts]

    @cached_property
    def test(self) -> list[Tensor]:
        """Of the images held out."""
        return self.of(self.task.test)

    def reached(self, share: float, *, seed: int) -> list[float]:
        """Held-out accuracy of every cut: nothing learned at one cut is there at the next."""
        positions = drawn(self.task.pool_labels, share, seed=seed)
        features, labels = self.of(self.task.pool[positions]), self.task.pool_labels[positions]
        accuracies = []
        for number, cut in enumerate(self.source.cuts):
            upper = fresh_part(self.source.family, self.task.classes, cut, seed=1000 * seed + cut)
            learn(upper, features[number], labels, RETRAINING[share], seed=seed)
            accuracies.append(accuracy(upper, self.test[number], self.task.test_labels))
        return accuracies


def from_scratch(task: ImageTask, share: float, *, seed: int) -> tuple[nn.Sequential, float]:
    """A plain network trained on the target's share alone, and its held-out accuracy."""
    positions = drawn(task.pool_labels, share, seed=seed)
    network = fresh_part(networks.plain, task.classes, 0, seed=1000 * seed)
    inputs, labels = as_inputs(task.pool[positions]), task.pool_labels[positions]
    learn(network, inputs, labels, RETRAINING[share], seed=seed)
    return network, accuracy(network, as_inputs(task.test), task.test_labels)


def trained_source(
    family: Family, task: ImageTask, schedule: Schedule, *, seed: int
) -> tuple[nn.Sequential, float]:
    """A network that learned the whole task from shifted images, and its held-out accuracy."""
    network = fresh_part(family, task.classes, 0, seed=seed)
    generator = torch.Generator().manual_seed(seed)
    inputs = as_inputs(task.pool)

    def moved(images: Tensor) -> Tensor:
        return shifted(images, generator=generator).contiguous(memory_format=torch.channels_last)

    learn(network, inputs, task.pool_labels, schedule, seed=seed, augmented=moved)
    return network, accuracy(network, as_inputs(task.test), task.test_labels)
