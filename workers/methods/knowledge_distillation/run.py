"""Trains a student on the answers of teachers to images."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from service.core.catalogue.knowledge_distillation import KnowledgeDistillationParams, SoftTargets
from service.core.manifest import TaskKind
from workers.contract import TrainingReport
from workers.methods.knowledge_distillation.maths import (
    attention_loss,
    feature_loss,
    label_loss,
    pooled,
)
from workers.torchkit.canonical import Preprocessing, to_network_input
from workers.torchkit.courses import Player, Stage, Training, Turn
from workers.torchkit.lessons import drawn_frames
from workers.torchkit.outcomes import Trained, WithImages, complete
from workers.torchkit.soft_targets import soft_label_loss, soft_target_loss
from workers.torchkit.students import fill_linear, own_input, student_network
from workers.torchkit.teachers import Head, NotTeachableError, stacked

Inputs = WithImages
Result = Trained


def run(inputs: Inputs, params: KnowledgeDistillationParams, report: TrainingReport) -> Result:
    """Train, then measure the student after its last step.

    Raises:
        NotTeachableError: No teacher knows one of the student's labels, or labels of whole images
            are to teach something else than a choice among them.
        BadStudentError: The student cannot start from the weights that were given.
        DivergedError: Losses stopped being finite.
    """
    return complete(_Lesson(inputs, params), inputs, params, report)


class _Lesson:
    """Teachers, student and images: what a turn needs."""

    def __init__(self, inputs: Inputs, params: KnowledgeDistillationParams) -> None:
        self._inputs, self._params = inputs, params
        first = inputs.teachers[0]
        self._device, self.task = first.program.device, first.task
        _require_choice(self.task, params)
        self.head = Head.of(inputs.teachers, params.student.labels)
        self.spec = own_input(first.input, params.student)
        self.heard = f"answers on {len(inputs.images)} images"
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
        """From the student's features to the first teacher's."""
        units = pooled(self._teach(self._inputs.images[:1])[1]).shape[1]
        layer = nn.Linear(self.student.channels[-1], units)
        fill_linear(layer, generator)
        return layer.to(self._device)

    def stages(self) -> Sequence[Stage]:
        """One: all learn together."""
        return [Stage("distillation", 1.0, self._begin)]

    def _begin(self) -> tuple[dict[str, Player], Turn]:
        learning = [p for one in self.training.networks.values() for p in one.parameters()]
        decay = self._params.weight_decay
        optimizer = torch.optim.AdamW(learning, lr=self._params.rate, weight_decay=decay)
        return {"student": Player(optimizer, self._params.rate)}, self._turn

    def pictures(self) -> Mapping[str, bytes]:
        """None beside the curve."""
        return {}

    def _teach(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Wanted logits of all teachers, and the layer of the first."""
        with torch.no_grad():
            first = self._inputs.teachers[0]
            told = first.program.read(first.of_frames(frames), [self._layer, "output"])
            others = [one.answer(one.of_frames(frames)) for one in self._inputs.teachers[1:]]
        return stacked([told["output"], *others], self.head), told[self._layer]

    def _turn(self) -> dict[str, Tensor]:
        """One step on one batch."""
        size, generator = self._params.batch_size, self.training.generator
        frames, places = drawn_frames(self._inputs.images, size, generator=generator)
        parts = self._losses(frames, places)
        loss = self.training.learn("student", torch.stack(list(parts.values())).sum())
        return {"whole": loss} | {name: one.detach() for name, one in parts.items()}

    def _losses(self, frames: Tensor, places: Tensor) -> dict[str, Tensor]:
        """Weighted parts of the loss."""
        params = self._params
        self.student.train()
        said = self.student.answer(self._own(frames))
        logits = said.logits[:, [one.label for one in self.head.columns]]
        told, features = self._teach(frames)
        parts = {"soft": params.soft_weight * self._soft(logits, told)}
        if params.label_weight > 0:
            parts["label"] = params.label_weight * self._hard(said.logits, places)
        if params.attention_weight > 0:
            parts["attention"] = params.attention_weight * attention_loss(said.maps[-1], features)
        if params.feature_weight > 0:
            seen = self.training.networks["translator"](pooled(said.maps[-1]))
            parts["feature"] = params.feature_weight * feature_loss(seen, pooled(features))
        return parts

    def _own(self, frames: Tensor) -> Tensor:
        """Frames as the student takes them."""
        return to_network_input(frames, Preprocessing.of(self.spec)).to(self._device)

    def _soft(self, said: Tensor, told: Tensor) -> Tensor:
        if self._params.soft_targets is SoftTargets.ABSOLUTE:
            return functional.l1_loss(said, told)
        if self._params.soft_targets is SoftTargets.SQUARED:
            return functional.mse_loss(said, told)
        several = self.task is TaskKind.MULTI_LABEL
        compared = soft_label_loss if several else soft_target_loss
        return compared(said, told, temperature=self._params.temperature)

    def _hard(self, logits: Tensor, places: Tensor) -> Tensor:
        """Cross-entropy of the images whose label the student has."""
        own = {name: place for place, name in enumerate(self.head.labels)}
        names = self._inputs.label_names
        table = torch.tensor([own.get(name, -1) for name in names] + [-1])
        labels = (
            torch.full_like(places, -1)
            if self._inputs.labels is None
            else self._inputs.labels[places]
        )
        return label_loss(logits, table[labels].to(logits.device))


def _require_choice(task: TaskKind, params: KnowledgeDistillationParams) -> None:
    """Raises NotTeachableError where an image's one label says nothing of what is learned."""
    if params.label_weight > 0 and task is not TaskKind.CLASSIFICATION:
        raise NotTeachableError(
            f"labels of whole images cannot teach {task}",
            remedy="set label_weight to 0",
        )
