"""Trains a student on the logits of teachers on images."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from service.core.catalog.knowledge_distillation import KnowledgeDistillationParams, SoftTargets
from service.core.counts import counted
from service.core.manifest import TaskKind
from workers.methods.knowledge_distillation.maths import (
    attention_loss,
    feature_loss,
    label_loss,
    pooled,
)
from workers.torchkit.protocols import TrainingReport
from workers.torchkit.training.frame_batch import FrameBatch
from workers.torchkit.training.loop import OptimizerGroup, Training, TrainingStage, TrainingStep
from workers.torchkit.training.shared_labels import label_logits
from workers.torchkit.training.soft_targets import soft_label_loss, soft_target_loss
from workers.torchkit.training.steps import drawn_frames
from workers.torchkit.training.students import fill_linear, own_input, student_network
from workers.torchkit.training.task import ImageInputs, TrainingResult, complete
from workers.torchkit.training.teachers import Head, NotTeachableError


def run(
    inputs: ImageInputs, params: KnowledgeDistillationParams, report: TrainingReport
) -> TrainingResult:
    """The student, evaluated after its last training step.

    Raises:
        NotTeachableError: No teacher has one of the student's labels, or ``label_weight`` is
            positive for a task other than classification.
        BadStudentError: The initial weights do not fit the student.
        DivergedError: Losses stopped being finite.
    """
    return complete(_DistillationTask(inputs, params), inputs, params, report)


class _DistillationTask:
    """Teachers, student and images of the training."""

    def __init__(self, inputs: ImageInputs, params: KnowledgeDistillationParams) -> None:
        self._inputs, self._params = inputs, params
        first = inputs.teachers[0]
        self._device, self.task = first.program.device, first.task
        _require_choice(self.task, params, inputs.labels)
        self.head = Head.of(inputs.teachers, params.student.labels)
        self.spec = own_input(first.input, params.student)
        self.trained_on = f"teacher outputs on {counted(len(inputs.images), 'image')}"
        generator = torch.Generator().manual_seed(params.seed)
        self.student = student_network(
            params.student,
            self.spec,
            labels=len(self.head.labels),
            generator=generator,
            start=inputs.start,
        ).to(self._device)
        networks: dict[str, nn.Module] = {"student": self.student}
        self._layer = params.teacher_layer or first.program.feature_layer
        if params.feature_weight > 0:
            networks["translator"] = self._translator(generator)
        self.training = Training(networks, generator)

    def _translator(self, generator: torch.Generator) -> nn.Module:
        """A linear layer from the student's features to those of the first teacher."""
        units = pooled(self._teacher_outputs(FrameBatch(self._inputs.images[:1]))[1]).shape[1]
        layer = nn.Linear(self.student.channels[-1], units)
        fill_linear(layer, generator)
        return layer.to(self._device)

    def stages(self) -> Sequence[TrainingStage]:
        """One stage, in which all networks learn together."""
        return [TrainingStage("distillation", 1.0, self._begin)]

    def _begin(self) -> tuple[dict[str, OptimizerGroup], TrainingStep]:
        parameters = [
            parameter
            for network in self.training.networks.values()
            for parameter in network.parameters()
        ]
        decay = self._params.weight_decay
        optimizer = torch.optim.AdamW(
            parameters, lr=self._params.learning_rate, weight_decay=decay
        )
        return {"student": OptimizerGroup(optimizer, self._params.learning_rate)}, self._step

    def recipe(self) -> Mapping[str, Any]:
        """The layer that attention and features are compared at."""
        return {"teacher_layer": self._layer}

    def pictures(self) -> Mapping[str, bytes]:
        """No pictures besides the curve."""
        return {}

    def _teacher_outputs(self, batch: FrameBatch) -> tuple[list[Tensor], Tensor]:
        """All logits of every teacher, and the feature layer of the first."""
        with torch.no_grad():
            first = self._inputs.teachers[0]
            outputs = first.program.read(first.of_batch(batch), [self._layer, "output"])
            other_logits = [
                teacher.answer(teacher.of_batch(batch)) for teacher in self._inputs.teachers[1:]
            ]
        return [outputs["output"], *other_logits], outputs[self._layer]

    def _step(self) -> dict[str, Tensor]:
        """One step on one batch."""
        size, generator = self._params.batch_size, self.training.generator
        frames, indices = drawn_frames(self._inputs.images, size, generator=generator)
        parts = self._losses(FrameBatch(frames), indices)
        loss = self.training.learn("student", torch.stack(list(parts.values())).sum())
        return {"whole": loss} | {name: part.detach() for name, part in parts.items()}

    def _losses(self, batch: FrameBatch, indices: Tensor) -> dict[str, Tensor]:
        """Weighted terms of the loss by name."""
        params = self._params
        self.student.train()
        student_outputs = self.student.answer(batch.of(self.spec).to(self._device))
        teacher_logits, teacher_features = self._teacher_outputs(batch)
        soft = self._soft(student_outputs.logits, self._targets(teacher_logits))
        parts = {"soft": params.distillation_weight * soft}
        if params.label_weight > 0:
            parts["label"] = params.label_weight * self._hard(student_outputs.logits, indices)
        if params.attention_weight > 0:
            parts["attention"] = params.attention_weight * attention_loss(
                student_outputs.maps[-1], teacher_features
            )
        if params.feature_weight > 0:
            translated = self.training.networks["translator"](pooled(student_outputs.maps[-1]))
            parts["feature"] = params.feature_weight * feature_loss(
                translated, pooled(teacher_features)
            )
        return parts

    def _targets(self, teacher_logits: Sequence[Tensor]) -> Tensor:
        """One target logit per label; distances of logits take those at temperature 1."""
        params = self._params
        compares_probabilities = params.soft_targets is SoftTargets.CROSS_ENTROPY
        temperature = params.temperature if compares_probabilities else 1.0
        rule = params.shared_labels
        return label_logits(
            teacher_logits, self.head, self.task, rule=rule, temperature=temperature
        )

    def _soft(self, student_logits: Tensor, teacher_logits: Tensor) -> Tensor:
        if self._params.soft_targets is SoftTargets.ABSOLUTE:
            return functional.l1_loss(student_logits, teacher_logits)
        if self._params.soft_targets is SoftTargets.SQUARED:
            return functional.mse_loss(student_logits, teacher_logits)
        several = self.task is TaskKind.MULTI_LABEL
        loss = soft_label_loss if several else soft_target_loss
        return loss(student_logits, teacher_logits, temperature=self._params.temperature)

    def _hard(self, logits: Tensor, indices: Tensor) -> Tensor:
        """Cross-entropy over the images whose label the student has."""
        label_index = {name: index for index, name in enumerate(self.head.labels)}
        names = self._inputs.label_names
        student_index = torch.tensor([label_index.get(name, -1) for name in names] + [-1])
        labels = (
            torch.full_like(indices, -1)
            if self._inputs.labels is None
            else self._inputs.labels[indices]
        )
        return label_loss(logits, student_index[labels].to(logits.device))


def _require_choice(
    task: TaskKind, params: KnowledgeDistillationParams, labels: Tensor | None
) -> None:
    """Raises NotTeachableError if labels are used for a kind of task that they are not of."""
    if params.label_weight > 0 and task is not TaskKind.CLASSIFICATION:
        raise NotTeachableError(
            f"labels of whole images cannot train {task}",
            remedy="set label_weight to 0",
        )
    if params.label_weight > 0 and labels is not None and labels.ndim > 1:
        raise NotTeachableError(
            "the images have several labels each, and the student learns one",
            remedy="set label_weight to 0, or use images with one label each",
        )
