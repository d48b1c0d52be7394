"""The two training steps: sources teach a component, components teach the student."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from service.core.catalog.adaptive_amalgamation import AdaptiveAmalgamationParams
from service.core.manifest import InputSpec
from workers.methods.adaptive_amalgamation.alignment import Adaptor, TaskOutputs
from workers.methods.adaptive_amalgamation.selection import Frames
from workers.programs import OUTPUT, ProgramLayer
from workers.torchkit.attribution.canonical import Preprocessing, to_network_input
from workers.torchkit.training.loop import OptimizerGroup, Training, TrainingStep
from workers.torchkit.training.steps import drawn_frames
from workers.torchkit.training.students import StudentNetwork, StudentOutput
from workers.torchkit.training.teachers import Teacher

_SCALE_SHARE = 0.01


@dataclass(frozen=True)
class Learner:
    """A learning network and its input specification."""

    network: StudentNetwork
    spec: InputSpec

    def inputs(self, frames: Tensor) -> Tensor:
        """Canonical frames as inputs of the network, on its device."""
        device = next(self.network.parameters()).device
        return to_network_input(frames, Preprocessing.of(self.spec)).to(device)


@dataclass(frozen=True)
class SelectedSource:
    """A selected source: its outputs in the task's label order, and its aligned layers."""

    teacher: Teacher
    columns: tuple[int, ...]
    layers: tuple[ProgramLayer, ...]

    def outputs(self, frames: Tensor) -> TaskOutputs:
        """Logits of the task and maps of the aligned layers, without gradients."""
        with torch.no_grad():
            names = [layer.name for layer in self.layers]
            inputs = self.teacher.of_frames(frames)
            outputs = self.teacher.program.read(inputs, [*names, OUTPUT])
        maps = tuple(outputs[name] for name in names)
        return TaskOutputs(outputs[OUTPUT][:, list(self.columns)], maps)


@dataclass(frozen=True)
class ComponentStep:
    """The step in which sources teach one component, each on its selected images.

    Attributes:
        sources: Selected sources by their index among the task's sources.
        alignments: One alignment per selected source, in the same order.
        memory: Name of the source weights in the training's memory.
    """

    training: Training
    params: AdaptiveAmalgamationParams
    images: Frames
    component: Learner
    sources: dict[int, SelectedSource]
    alignments: nn.ModuleList
    memory: str

    def begin(self) -> tuple[dict[str, OptimizerGroup], TrainingStep]:
        """The component and all alignments learn together."""
        networks = [self.component.network, self.alignments]
        return {"component": optimizer_group_of(networks, self.params.learning_rate)}, self.run

    def run(self) -> dict[str, Tensor]:
        """One step on one batch per source."""
        weights = self.training.memory[self.memory]
        batches = [self._drawn(weights[index]) for index in self.sources]
        self.component.network.train()
        component_outputs = self.component.network.answer(
            self.component.inputs(torch.cat(batches))
        )
        # One forward pass for all sources: batch statistics cover the images of every source.
        parts = split(component_outputs, [len(batch) for batch in batches])
        losses = [
            alignment(part, source.outputs(frames))
            for part, frames, source, alignment in zip(
                parts, batches, self.sources.values(), self.alignments, strict=True
            )
        ]
        return learned(self.training, "component", losses, self.params.feature_weight)

    def _drawn(self, weights: Tensor) -> Tensor:
        """Shifted images, drawn in proportion to the source's weights without repetition."""
        size = min(self.params.batch_size, int((weights > 0).sum()))
        generator = self.training.generator
        indices = torch.multinomial(weights, size, generator=generator)
        return drawn_frames(self.images[indices], size, generator=generator)[0]


@dataclass(frozen=True)
class StudentStep:
    """The step in which all components teach the student on every image."""

    training: Training
    params: AdaptiveAmalgamationParams
    images: Frames
    student: Learner
    components: Sequence[Learner]
    label_indices: Sequence[list[int]]
    adaptors: nn.ModuleList

    def begin(self) -> tuple[dict[str, OptimizerGroup], TrainingStep]:
        """The student and all adaptors learn together; components are frozen."""
        networks = [self.student.network, self.adaptors]
        return {"student": optimizer_group_of(networks, self.params.learning_rate)}, self.run

    def run(self) -> dict[str, Tensor]:
        """One step on one batch."""
        size, generator = self.params.batch_size, self.training.generator
        frames, _ = drawn_frames(self.images, size, generator=generator)
        self.student.network.train()
        # Components and student have one preprocessing.
        inputs = self.student.inputs(frames)
        student_outputs = self.student.network.answer(inputs)
        parts = [
            adaptor(
                TaskOutputs(student_outputs.logits[:, label_indices], student_outputs.maps),
                _component_outputs(component, inputs),
            )
            for component, label_indices, adaptor in zip(
                self.components, self.label_indices, self.adaptors, strict=True
            )
        ]
        return learned(self.training, "student", parts, self.params.feature_weight)


def split(answer: StudentOutput, sizes: Sequence[int]) -> list[TaskOutputs]:
    """The outputs of several concatenated batches, split by batch."""
    logits = torch.split(answer.logits, list(sizes))
    maps = [torch.split(layer_maps, list(sizes)) for layer_maps in answer.maps]
    return [
        TaskOutputs(logits[batch], tuple(layer_maps[batch] for layer_maps in maps))
        for batch in range(len(sizes))
    ]


def _component_outputs(component: Learner, inputs: Tensor) -> TaskOutputs:
    with torch.no_grad():
        outputs = component.network.eval().answer(inputs)
    return TaskOutputs(outputs.logits, outputs.maps)


def learned(
    training: Training,
    name: str,
    parts: Sequence[tuple[Tensor, Tensor]],
    feature_weight: float,
) -> dict[str, Tensor]:
    """One step of an optimizer group on the loss summed over teachers; the sum and its terms."""
    soft = torch.stack([loss for loss, _ in parts]).sum()
    feature = feature_weight * torch.stack([loss for _, loss in parts]).sum()
    total = training.learn(name, soft + feature)
    return {"whole": total, "soft": soft.detach(), "feature": feature.detach()}


def optimizer_group_of(networks: Sequence[nn.Module], rate: float) -> OptimizerGroup:
    """Adam on all networks; the adaptors' scales use a hundredth of the rate, as published."""
    modules = [module for network in networks for module in network.modules()]
    scales = [module.scale for module in modules if isinstance(module, Adaptor)]
    marked = {id(scale) for scale in scales}
    others = [
        parameter
        for network in networks
        for parameter in network.parameters()
        if id(parameter) not in marked
    ]
    groups: list[dict[str, Any]] = [{"params": others}, {"params": scales, "share": _SCALE_SHARE}]
    return OptimizerGroup(torch.optim.Adam(groups, lr=rate), rate)
