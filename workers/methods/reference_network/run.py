"""Trains a small classifier on a labeled set for a fixed number of steps."""

import time
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Int64, UInt8
from torch import Tensor
from torch.nn import functional

from service.core.catalogue.reference_network import ReferenceNetworkParams
from service.core.errors import MethodError
from service.core.manifest import InputSpec, ModelFormat, ModelManifest, Task, TaskKind
from workers.contract import Report
from workers.methods.reference_network.networks import ReferenceNetwork, reference_network
from workers.torchkit.canonical import Preprocessing, to_network_input
from workers.torchkit.lessons import (
    accuracy,
    color_statistics,
    held_out,
    shifted,
)
from workers.torchkit.module_reader import evaluating
from workers.torchkit.schedules import warm_cosine

_LARGEST_SIDE = 64
_SMALLEST_SIDE = 8
_HELD_OUT = 0.2
_FEWEST_LABELS = 2
_WEIGHT_DECAY = 1e-3
_EVALUATED_AT_ONCE = 256
_STEPS_PER_REPORT = 10


class NotLearnableError(MethodError):
    """The set cannot be learned from: fewer than two labels, or one image of each."""

    code = "not_learnable"


@dataclass(frozen=True)
class Inputs:
    """A labeled set as canonical frames.

    Attributes:
        name: What to call the network.
        labels: Position of each image's class in ``classes``; negative where it has none.
    """

    name: str
    images: UInt8[Tensor, "image side side 3"]
    labels: Int64[Tensor, " image"]
    classes: tuple[str, ...]


@dataclass(frozen=True)
class Result:
    """The network in evaluation mode, what to declare when it joins the zoo, and how good it is.

    Attributes:
        accuracy: Share of held-out images named rightly, in [0, 1].
        chance: Share that the commonest label alone would give on the same images.
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


def run(inputs: Inputs, params: ReferenceNetworkParams, report: Report) -> Result:
    """Train, then measure on images that were held out. Raises NotLearnableError."""
    started = time.perf_counter()
    usable = _labeled(inputs)
    generator = torch.Generator().manual_seed(params.seed)
    kept = held_out(usable.labels, share=_HELD_OUT, generator=generator)
    spec = _input_spec(usable.images[~kept])
    network = reference_network(
        width=params.width, labels=len(usable.classes), side=spec.width, generator=generator
    )
    session = _Training(network, Preprocessing.of(spec), params, generator)
    loss = session.learn(usable.images[~kept], usable.labels[~kept], report)
    score = session.measured(usable.images[kept], usable.labels[kept])
    return Result(
        network=network.eval(),
        manifest=_manifest(usable, spec),
        accuracy=score,
        chance=_chance(usable.labels, kept),
        trained_on=int((~kept).sum()),
        held_out=int(kept.sum()),
        last_loss=loss,
        seconds=time.perf_counter() - started,
    )


class _Training:
    """A network under training: everything a step needs."""

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
            network.parameters(), lr=params.rate, weight_decay=_WEIGHT_DECAY
        )

    def learn(self, images: Tensor, labels: Tensor, report: Report) -> float:
        """All steps on randomly drawn batches; the last loss."""
        self._network.train()
        loss, steps = float("nan"), self._params.steps
        size = min(self._params.batch_size, len(images))
        for step in range(steps):
            drawn = torch.randperm(len(images), generator=self._generator)[:size]
            rate = self._params.rate * warm_cosine(step / steps)
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


def _labeled(inputs: Inputs) -> Inputs:
    """Only the images that have a label. Raises NotLearnableError."""
    known = inputs.labels >= 0
    labels = inputs.labels[known]
    counts = labels.bincount() if len(labels) else labels
    if int((counts > 0).sum()) < _FEWEST_LABELS or int(counts.max()) < _FEWEST_LABELS:
        raise NotLearnableError(
            f"{len(labels)} labeled images of {int((counts > 0).sum())} classes cannot be learned",
            remedy="give at least two classes, and at least two images of one of them",
        )
    return Inputs(inputs.name, inputs.images[known], labels, inputs.classes)


def _input_spec(images: UInt8[Tensor, "image side side 3"]) -> InputSpec:
    """Frames up to 64 pixels, normalized by the training images' own colors."""
    side = min(_LARGEST_SIDE, max(_SMALLEST_SIDE, images.shape[1]))
    mean, std = color_statistics(images)
    return InputSpec(height=side, width=side, mean=mean, std=std)


def _manifest(inputs: Inputs, spec: InputSpec) -> ModelManifest:
    return ModelManifest(
        name=inputs.name,
        format=ModelFormat.PT2,
        task=Task(kind=TaskKind.CLASSIFICATION, text="reference network of a labeled set"),
        input=spec,
        classes=inputs.classes,
        trained_on=f"{len(inputs.labels)} labeled images",
        tags=("reference",),
    )


def _chance(labels: Int64[Tensor, " image"], kept: Bool[Tensor, " image"]) -> float:
    """Share of held-out images that have the training images' commonest label."""
    commonest = labels[~kept].bincount().argmax()
    return float((labels[kept] == commonest).float().mean())
