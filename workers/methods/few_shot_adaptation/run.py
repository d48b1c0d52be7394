"""Computes descriptors of a support and stores them with the learner as one network."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from service.core.catalog.few_shot_adaptation import FewShotAdaptationParams
from service.core.counts import counted
from service.core.manifest import (
    FewShotHead,
    InputSpec,
    ModelFormat,
    ModelManifest,
    Task,
    TaskKind,
)
from workers.programs import PassKind, Program
from workers.programs.memory_needs import images_at_once
from workers.programs.trainable import TrainableProgram
from workers.torchkit.attribution.canonical import Preprocessing, to_network_input
from workers.torchkit.attribution.features import OUTPUT
from workers.torchkit.few_shot import (
    SupportSet,
    descriptors_of,
    digests_of,
    require_finite,
    squared_distances,
)
from workers.torchkit.protocols import Report

_LONGEST_TEXT = 2000


@dataclass(frozen=True)
class FewShotAdaptationData:
    """A learner and its support.

    Attributes:
        learner: Its output is features, then decoded features.
        learner_name: For the manifest.
        classes: Index in ``names`` of each image's class.
        limit_bytes: Memory that computing may use.
    """

    name: str
    learner: Program
    learner_name: str
    input: InputSpec
    head: FewShotHead
    images: UInt8[Tensor, "image side side 3"]
    classes: Sequence[int]
    names: tuple[str, ...]
    limit_bytes: int | None


@dataclass(frozen=True)
class FewShotAdaptationResult:
    """The classifier in evaluation mode, its manifest, and what is remarkable of its support."""

    network: nn.Module
    manifest: ModelManifest
    distinct: tuple[int, ...]
    notes: tuple[str, ...]


class AdaptedNetwork(nn.Module):
    """Scaled negative squared distances of an image's features to fixed descriptors."""

    descriptors: Tensor

    def __init__(
        self, body: nn.Module, descriptors: Float[Tensor, "way unit"], *, scale: float
    ) -> None:
        super().__init__()
        self.body, self._scale = body, scale
        self.register_buffer("descriptors", descriptors)

    def forward(
        self, images: Float[Tensor, "image channel row column"]
    ) -> Float[Tensor, "image way"]:
        """Logits of the classes."""
        features = self.body(images)[:, : self.descriptors.shape[1]]
        return -self._scale * squared_distances(features, self.descriptors)


def run(
    inputs: FewShotAdaptationData, params: FewShotAdaptationParams, report: Report
) -> FewShotAdaptationResult:
    """The classifier.

    Raises:
        SupportConflictError: A picture has two labels.
        FeaturesNotFiniteError: The learner overflowed.
    """
    support = SupportSet.of(digests_of(inputs.images), inputs.classes, inputs.names)
    outputs = _outputs(inputs, report)
    exact = descriptors_of(outputs, support, inputs.head, prior=params.prior)
    descriptors = require_finite(exact.float())
    body = TrainableProgram(inputs.learner.to(torch.device("cpu")), OUTPUT)
    network = AdaptedNetwork(body, descriptors, scale=inputs.head.scale).eval()
    return FewShotAdaptationResult(
        network=network,
        manifest=_manifest(inputs),
        distinct=tuple(len(positions) for positions in support.members),
        notes=tuple(support.notes(())),
    )


def _outputs(inputs: FewShotAdaptationData, report: Report) -> Float[Tensor, "image twice"]:
    """The learner's output for every support image, on the CPU."""
    program, preprocessing = inputs.learner, Preprocessing.of(inputs.input)
    count = len(inputs.images)
    step = images_at_once(
        program, most=count, least=1, kind=PassKind.FORWARD, limit_bytes=inputs.limit_bytes
    )
    parts = []
    with torch.inference_mode():
        for start in range(0, count, step):
            images = to_network_input(inputs.images[start : start + step], preprocessing)
            parts.append(program.read(images.to(program.device), [OUTPUT])[OUTPUT].float().cpu())
            report(min(count, start + step), count, "support images")
    return torch.cat(parts).clone()


def _manifest(inputs: FewShotAdaptationData) -> ModelManifest:
    images = (
        f"{counted(len(inputs.images), 'support image')} of {counted(len(inputs.names), 'class')}"
    )
    return ModelManifest(
        name=inputs.name,
        format=ModelFormat.PT2,
        task=Task(
            kind=TaskKind.CLASSIFICATION,
            text=f"{inputs.learner_name} with its support"[:_LONGEST_TEXT],
        ),
        input=inputs.input,
        classes=inputs.names,
        trained_on=images,
        tags=("few-shot",),
    )
