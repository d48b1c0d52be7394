"""Trains a small classifier on a labeled set for a fixed number of steps."""

import time
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Int64, UInt8
from torch import Tensor
from torch.nn import functional

from service.core.catalog.reference_network import ReferenceNetworkParams
from service.core.counts import counted
from service.core.errors import MethodError
from service.core.manifest import InputSpec, ModelFormat, ModelManifest, Task, TaskKind
from workers.methods.reference_network.networks import ReferenceNetwork, reference_network
from workers.torchkit.attribution.canonical import Preprocessing, to_network_input
from workers.torchkit.attribution.module_reader import evaluating
from workers.torchkit.protocols import Report
from workers.torchkit.training.schedules import warm_cosine
from workers.torchkit.training.steps import accuracy, color_statistics, held_out, shifted

_LARGEST_SIDE = 64
_SMALLEST_SIDE = 8
_HELD_OUT = 0.2
_FEWEST_LABELS = 2
_WEIGHT_DECAY = 1e-3
_EVALUATED_AT_ONCE = 256
_STEPS_PER_REPORT = 10


class NotLearnableError(MethodError):
    """The set has fewer than two labels, or only one image of each."""

    code = "not_learnable"


@dataclass(frozen=True)
class ReferenceNetworkData:
    """A labeled set as canonical frames.

    Attributes:
        name: Name of the network.
        labels: Index of each image's class in ``classes``; negative for unlabeled images.
    """

    name: str
    images: UInt8[Tensor, "image side side 3"]
    labels: Int64[Tensor, " image"]
    classes: tuple[str, ...]


@dataclass(frozen=True)
class ReferenceNetworkResult:
    """The network in evaluation mode, its manifest for the zoo, and its quality.

    Attributes:
        accuracy: Share of held-out images classified correctly, in [0, 1].
        chance: Accuracy on the same images of always predicting the most common training label.
        last_loss: Cross-entropy of the last batch, in nats.
    """

    network: ReferenceNetwork
    manifest: ModelManifest
    accuracy: float
    chance: float
    trained_on: int
    held_out: int
    last_loss: float
    seconds: float


def run(
    inputs: ReferenceNetworkData, params: ReferenceNetworkParams, report: Report
) -> ReferenceNetworkResult:
    """The trained network, evaluated on held-out images. Raises NotLearnableError."""
    started = time.perf_counter()
    usable = _labeled(inputs)
    generator = torch.Generator().manual_seed(params.seed)
    is_held_out = held_out(usable.labels, share=_HELD_OUT, generator=generator)
    spec = _input_spec(usable.images[~is_held_out])
    network = reference_network(
        width=params.width, labels=len(usable.classes), side=spec.width, generator=generator
    )
    trainer = _Trainer(network, Preprocessing.of(spec), params, generator)
    loss = trainer.learn(usable.images[~is_held_out], usable.labels[~is_held_out], report)
    held_out_accuracy = trainer.measured(usable.images[is_held_out], usable.labels[is_held_out])
    return ReferenceNetworkResult(
        network=network.eval(),
        manifest=_manifest(usable, spec),
        accuracy=held_out_accuracy,
        chance=_chance(usable.labels, is_held_out),
        trained_on=int((~is_held_out).sum()),
        held_out=int(is_held_out.sum()),
        last_loss=loss,
        seconds=time.perf_counter() - started,
    )


class _Trainer:
    """A network under training, with everything that a step needs."""

    def __init__(
        self,
        network: ReferenceNetwork,
        preprocessing: Preprocessing,
        params: ReferenceNetworkParams,
        generator: torch.Generator,
    ) -> None:
        self._network = network
        self._preprocessing = preprocessing
        self._params = params
        self._generator = generator
        self._optimizer = torch.optim.AdamW(
            network.parameters(), lr=params.learning_rate, weight_decay=_WEIGHT_DECAY
        )

    def learn(self, images: Tensor, labels: Tensor, report: Report) -> float:
        """Trains on randomly drawn batches; returns the last loss."""
        self._network.train()
        loss, steps = float("nan"), self._params.steps
        size = min(self._params.batch_size, len(images))
        for step in range(steps):
            drawn = torch.randperm(len(images), generator=self._generator)[:size]
            rate = self._params.learning_rate * warm_cosine(step / steps)
            loss = self._step(images[drawn], labels[drawn], rate)
            if (step + 1) % _STEPS_PER_REPORT == 0 or step + 1 == steps:
                report(step + 1, steps, f"loss {loss:.3f}")
        return loss

    def measured(self, images: Tensor, labels: Tensor) -> float:
        """Accuracy on these images."""
        with torch.no_grad(), evaluating(self._network) as network:
            logits = [
                network(to_network_input(part, self._preprocessing))
                for part in images.split(_EVALUATED_AT_ONCE)  # type: ignore[no-untyped-call]
            ]
        return float(accuracy(torch.cat(logits), labels))

    def _step(self, images: Tensor, labels: Tensor, rate: float) -> float:
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        inputs = shifted(to_network_input(images, self._preprocessing), generator=self._generator)
        loss = functional.cross_entropy(self._network(inputs), labels)
        self._optimizer.zero_grad()
        torch.autograd.backward(loss)
        self._optimizer.step()
        return loss.item()


def _labeled(inputs: ReferenceNetworkData) -> ReferenceNetworkData:
    """The labeled part of the inputs. Raises NotLearnableError."""
    has_label = inputs.labels >= 0
    labels = inputs.labels[has_label]
    counts = labels.bincount() if len(labels) else labels
    if int((counts > 0).sum()) < _FEWEST_LABELS or int(counts.max()) < _FEWEST_LABELS:
        raise NotLearnableError(
            f"{counted(len(labels), 'labeled image')} of"
            f" {counted(int((counts > 0).sum()), 'class')} are too few to learn",
            remedy="use at least two classes, and at least two images of one of them",
        )
    return ReferenceNetworkData(inputs.name, inputs.images[has_label], labels, inputs.classes)


def _input_spec(images: UInt8[Tensor, "image side side 3"]) -> InputSpec:
    """Frames up to 64 pixels, normalized with the color statistics of the training images."""
    side = min(_LARGEST_SIDE, max(_SMALLEST_SIDE, images.shape[1]))
    mean, std = color_statistics(images)
    return InputSpec(height=side, width=side, mean=mean, std=std)


def _manifest(inputs: ReferenceNetworkData, spec: InputSpec) -> ModelManifest:
    return ModelManifest(
        name=inputs.name,
        format=ModelFormat.PT2,
        task=Task(kind=TaskKind.CLASSIFICATION, text="reference network of a labeled set"),
        input=spec,
        classes=inputs.classes,
        trained_on=f"{len(inputs.labels)} labeled images",
        tags=("reference",),
    )


def _chance(labels: Int64[Tensor, " image"], is_held_out: Bool[Tensor, " image"]) -> float:
    """Share of held-out images with the most common training label."""
    most_common = labels[~is_held_out].bincount().argmax()
    return float((labels[is_held_out] == most_common).float().mean())
