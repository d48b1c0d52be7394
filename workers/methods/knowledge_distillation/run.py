"""Trains a student on a teacher's answers for a fixed number of steps."""

from dataclasses import dataclass

import torch
from jaxtyping import Int64, UInt8
from torch import Tensor, nn
from torch.nn import functional

from service.core.catalogue.knowledge_distillation import KnowledgeDistillationParams
from service.core.errors import MethodError
from service.core.manifest import InputSpec, ModelFormat, ModelManifest, Task, TaskKind
from workers.contract import TrainingReport
from workers.methods.knowledge_distillation.maths import (
    agreement,
    attention_loss,
    feature_loss,
    pooled,
    soft_target_loss,
)
from workers.programs import Program
from workers.torchkit.canonical import Preprocessing, to_network_input
from workers.torchkit.courses import Numbers, Training, adamw, train
from workers.torchkit.curves import curve_picture
from workers.torchkit.lessons import accuracy, colour_statistics, held_out, shifted
from workers.torchkit.module_reader import evaluating
from workers.torchkit.outcomes import Trained
from workers.torchkit.students import StudentNetwork, fill_linear, student_network

_EVALUATED_AT_ONCE = 256
_FEWEST_IMAGES = 4
Result = Trained


class NotDistillableError(MethodError):
    """The teacher and the images do not go together."""

    code = "not_distillable"


@dataclass(frozen=True)
class Inputs:
    """A frozen teacher and canonical frames.

    Attributes:
        name: What to call the student.
        classes: The teacher's labels, in the order of its logits; None where nobody told.
        labels: Position of each image's label among ``classes``; negative where there is none.
    """

    name: str
    teacher: Program
    preprocessing: Preprocessing
    layer: str
    classes: tuple[str, ...] | None
    images: UInt8[Tensor, "image side side 3"]
    labels: Int64[Tensor, " image"]


def run(inputs: Inputs, params: KnowledgeDistillationParams, report: TrainingReport) -> Result:
    """Train, then measure the student after its last step. Raises NotDistillableError."""
    _require_fit(inputs)
    generator = torch.Generator().manual_seed(params.seed)
    kept = held_out(inputs.labels + 1, share=params.held_out, generator=generator)
    lesson = _Lesson(inputs, params, kept, generator)
    training = Training(lesson.networks, lesson.optimizer(), generator)
    train(training, params, lesson.losses, evaluate=lesson.quality, report=report)
    return Trained(
        network=lesson.student.eval().cpu(),
        manifest=_manifest(inputs, lesson.spec),
        quality=lesson.quality() | lesson.beside_teacher(),
        history=tuple(training.history),
        trained_on=int((~kept).sum()),
        held_out=int(kept.sum()),
        teacher={"parameters": inputs.teacher.parameter_count, "flops": inputs.teacher.flops},
        seconds=training.seconds,
        curve=curve_picture(training.history),
    )


class _Lesson:
    """Teacher, student and images: what a step and an evaluation need."""

    def __init__(
        self,
        inputs: Inputs,
        params: KnowledgeDistillationParams,
        kept: Tensor,
        generator: torch.Generator,
    ) -> None:
        self._inputs, self._params, self._generator = inputs, params, generator
        self._device = inputs.teacher.device
        self._lessons, self._lesson_labels = inputs.images[~kept], inputs.labels[~kept]
        self._exam, self._exam_labels = inputs.images[kept], inputs.labels[kept]
        self.spec = _input_spec(self._lessons, params.student.side)
        self._own = Preprocessing.of(self.spec)
        self._told = torch.cat(
            [self._teach(part)["output"].cpu() for part in self._exam.split(_EVALUATED_AT_ONCE)]  # type: ignore[no-untyped-call]
        )
        self.student: StudentNetwork = student_network(
            params.student, labels=self._told.shape[1], generator=generator
        ).to(self._device)
        self.networks: dict[str, nn.Module] = {"student": self.student}
        if params.feature_weight > 0:
            self.networks["translator"] = self._translator()

    def _translator(self) -> nn.Module:
        """From the student's features to the teacher's."""
        units = pooled(self._teach(self._exam[:1])[self._inputs.layer]).shape[1]
        layer = nn.Linear(self.student.channels, units)
        fill_linear(layer, self._generator)
        return layer.to(self._device)

    def optimizer(self) -> torch.optim.Optimizer:
        """All that learns, at the course's rate."""
        learning: list[Tensor] = [
            one for network in self.networks.values() for one in network.parameters()
        ]
        return adamw({1.0: learning}, self._params)

    def _teach(self, frames: Tensor) -> dict[str, Tensor]:
        """The teacher's logits and layer."""
        images = to_network_input(frames, self._inputs.preprocessing).to(self._device)
        with torch.no_grad():
            return self._inputs.teacher.read(images, [self._inputs.layer, "output"])

    def losses(self) -> dict[str, Tensor]:
        """Weighted parts of the loss of one batch, drawn and moved by the generator."""
        size = min(self._params.batch_size, len(self._lessons))
        drawn = torch.randperm(len(self._lessons), generator=self._generator)[:size]
        planes = self._lessons[drawn].permute(0, 3, 1, 2).float()
        moved = shifted(planes, generator=self._generator).permute(0, 2, 3, 1).to(torch.uint8)
        return self._compared(moved, self._lesson_labels[drawn])

    def _compared(self, frames: Tensor, labels: Tensor) -> dict[str, Tensor]:
        params, told = self._params, self._teach(frames)
        self.student.train()
        said = self.student.answer(to_network_input(frames, self._own).to(self._device))
        soft = soft_target_loss(said.logits, told["output"], temperature=params.temperature)
        parts = {"soft": params.soft_weight * soft}
        if params.label_weight > 0:
            hard = functional.cross_entropy(said.logits, labels.to(self._device))
            parts["label"] = params.label_weight * hard
        if params.attention_weight > 0:
            parts["attention"] = params.attention_weight * attention_loss(
                said.maps, told[self._inputs.layer]
            )
        if params.feature_weight > 0:
            seen = self.networks["translator"](pooled(said.maps))
            close = feature_loss(seen, pooled(told[self._inputs.layer]))
            parts["feature"] = params.feature_weight * close
        return parts

    def quality(self) -> Numbers:
        """Agreement with the teacher and, where there are labels, accuracy; on held-out images."""
        with torch.no_grad(), evaluating(self.student) as network:
            parts = self._exam.split(_EVALUATED_AT_ONCE)  # type: ignore[no-untyped-call]
            said = torch.cat(
                [network(to_network_input(p, self._own).to(self._device)).cpu() for p in parts]
            )
        found = {"agreement": float(agreement(said, self._told))}
        known = self._exam_labels >= 0
        if known.any():
            found["accuracy"] = float(accuracy(said[known], self._exam_labels[known]))
        return found

    def beside_teacher(self) -> Numbers:
        """The teacher's own accuracy on the same images, and the commonest label's share."""
        known = self._exam_labels >= 0
        if not known.any():
            return {}
        labels = self._exam_labels[known]
        return {
            "teacher_accuracy": float(accuracy(self._told[known], labels)),
            "chance": float(labels.bincount().max() / len(labels)),
        }


def _require_fit(inputs: Inputs) -> None:
    """Enough images, and as many logits as names. Raises NotDistillableError."""
    if len(inputs.images) < _FEWEST_IMAGES:
        raise NotDistillableError(
            f"{len(inputs.images)} images are too few", remedy=f"give at least {_FEWEST_IMAGES}"
        )
    logits = inputs.teacher.output_shape
    if inputs.classes is not None and logits != (len(inputs.classes),):
        raise NotDistillableError(
            f"the teacher answers with shape {list(logits)} and names {len(inputs.classes)} labels",
            remedy="upload the teacher with one label for each of its logits",
        )


def _input_spec(images: Tensor, side: int) -> InputSpec:
    """The student's own size, normalised by the training images' own colours."""
    mean, std = colour_statistics(images)
    return InputSpec(height=side, width=side, mean=mean, std=std)


def _manifest(inputs: Inputs, spec: InputSpec) -> ModelManifest:
    return ModelManifest(
        name=inputs.name,
        format=ModelFormat.PT2,
        task=Task(kind=TaskKind.CLASSIFICATION, text="student of a classifier of the zoo"),
        input=spec,
        classes=inputs.classes,
        trained_on=f"a teacher's answers on {len(inputs.images)} images",
        tags=("student",),
    )
