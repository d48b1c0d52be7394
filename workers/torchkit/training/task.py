"""The inputs and the result of a training, and the common path between them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Int64, UInt8
from torch import Tensor, nn

from service.core.catalog.training import TrainingConfig
from service.core.errors import MethodError
from service.core.manifest import InputSpec, ModelFormat, ModelManifest, Task, TaskKind
from workers.torchkit.drawing.curves import curve_picture
from workers.torchkit.protocols import TrainingReport
from workers.torchkit.training.accelerators import (
    arithmetic_on,
    set_memory_format,
    use_channels_last,
)
from workers.torchkit.training.evaluator import MEASURES, EvaluationSet, Evaluator
from workers.torchkit.training.loop import Training, TrainingStage, train
from workers.torchkit.training.students import require_answers
from workers.torchkit.training.teachers import Head, Teacher


class TeacherChangedError(MethodError):
    """A frozen network changed during training; a safety check that should never fail."""

    code = "teacher_changed"


@dataclass(frozen=True, kw_only=True)
class DataFreeInputs:
    """Inputs of a data-free training: they contain no training images.

    Attributes:
        name: Name of the student.
        evaluation_set: Held-out images; methods pass them to a ``Evaluator`` and never read them.
        start: Initial weights of the student by name; None draws new ones.
    """

    name: str
    teachers: tuple[Teacher, ...]
    evaluation_set: EvaluationSet | None = None
    start: Mapping[str, Tensor] | None = None


@dataclass(frozen=True, kw_only=True)
class ImageInputs(DataFreeInputs):
    """Inputs of a training on images, disjoint from the held-out ones.

    Attributes:
        images: Canonical frames.
        labels: Index of each image's label in ``label_names``, -1 for none; only methods
            that declare it in their parameters use labels.
    """

    images: UInt8[Tensor, "image side side 3"]
    labels: Int64[Tensor, " image"] | None = None
    label_names: tuple[str, ...] = ()


@dataclass(frozen=True)
class TrainingResult:
    """A student in evaluation mode on the CPU, after its last step.

    Attributes:
        quality: Shares of held-out images by name; unmeasured ones are absent.
        history: ``step`` and named numbers of every evaluation.
        teacher: Parameters and FLOPs of all teachers together.
        taught_by: Names of the teachers, in order.
        params: Parameters of the method as JSON values.
        trained_on: Number of training images; 0 for a data-free training.
        pictures: PNG files by name, the curve among them.
    """

    network: nn.Module
    manifest: ModelManifest
    quality: Mapping[str, float]
    history: tuple[Mapping[str, float], ...]
    trained_on: int
    held_out: int
    teacher: Mapping[str, int]
    taught_by: tuple[str, ...]
    params: Mapping[str, Any]
    seconds: float
    curve: bytes
    pictures: Mapping[str, bytes]


@runtime_checkable
class TrainingTask(Protocol):
    """What a method prepares: the student, its training stages and its pictures.

    Attributes:
        training: The student and all other networks that learn.
        spec: The student's input.
        head: The meaning of the student's outputs.
        heard: Description of the training data.
    """

    training: Training
    spec: InputSpec
    head: Head
    task: TaskKind
    trained_on: str

    @property
    def student(self) -> nn.Module:
        """The network that is evaluated and returned."""
        ...

    def stages(self) -> Sequence[TrainingStage]:
        """The stages of the training, in order."""
        ...

    def pictures(self) -> Mapping[str, bytes]:
        """PNG files by name; must not draw from any generator."""
        ...


@runtime_checkable
class HasNumbers(Protocol):
    """A lesson that adds numbers of its own to the evaluation."""

    def numbers(self) -> Mapping[str, float]:
        """Numbers by name for the curve, after an evaluation; must not draw from any generator."""
        ...


def _lesson_numbers(lesson: TrainingTask) -> dict[str, float]:
    return dict(lesson.numbers()) if isinstance(lesson, HasNumbers) else {}


def complete(
    lesson: TrainingTask, inputs: DataFreeInputs, course: TrainingConfig, report: TrainingReport
) -> TrainingResult:
    """The trained student, evaluated after its last step; checks that no teacher changed.

    Raises:
        BadStudentError: The student predicts pixels and the teachers whole images, or vice versa.
        DivergedError: Losses stopped being finite.
        TeacherChangedError: A teacher's weights or statistics moved.
    """
    require_answers(lesson.student, lesson.spec, lesson.task)
    judge = Evaluator(inputs.evaluation_set, inputs.teachers, lesson.head, lesson.task)
    fingerprints = [teacher.program.fingerprint for teacher in inputs.teachers]
    device = inputs.teachers[0].program.device
    use_channels_last(lesson.student, device)
    train(
        lesson.training,
        course,
        lesson.stages(),
        evaluate=lambda: judge.grade(lesson.student, lesson.spec) | _lesson_numbers(lesson),
        pictures=lesson.pictures,
        report=report,
        arithmetic=arithmetic_on(device),
    )
    if [teacher.program.fingerprint for teacher in inputs.teachers] != fingerprints:
        raise TeacherChangedError("a teacher's weights or statistics changed during training")
    quality = judge.grade(lesson.student, lesson.spec) | judge.references()
    images = getattr(inputs, "images", None)
    return TrainingResult(
        network=set_memory_format(lesson.student.eval().cpu(), torch.contiguous_format),
        manifest=_manifest(lesson, inputs),
        quality=quality | retention(quality),
        history=tuple(lesson.training.history),
        trained_on=0 if images is None else len(images),
        held_out=0 if inputs.evaluation_set is None else len(inputs.evaluation_set.images),
        teacher=_sizes(inputs.teachers),
        taught_by=tuple(teacher.name for teacher in inputs.teachers),
        params=course.model_dump(mode="json"),
        seconds=lesson.training.seconds,
        curve=curve_picture(lesson.training.history),
        pictures=lesson.pictures(),
    )


def retention(quality: Mapping[str, float]) -> dict[str, float]:
    """The student's measure over each teacher's, and over ``ceiling`` for several teachers.

    Only where both are known and the denominator is above 0.
    """
    shares = {}
    measure = next((name for name in MEASURES.values() if name in quality), None)
    if measure is not None and quality.get("ceiling", 0) > 0:
        shares["retention"] = quality[measure] / quality["ceiling"]
    for name, value in quality.items():
        if not name.startswith("teacher_") or value <= 0:
            continue
        suffix = name.removeprefix("teacher_")
        number, several = suffix.partition("_")[0], suffix[0].isdigit()
        own_measure = f"task_{suffix}" if several else suffix
        if own_measure in quality:
            shares[f"retention_{number}" if several else "retention"] = (
                quality[own_measure] / value
            )
    return shares


def _sizes(teachers: Sequence[Teacher]) -> dict[str, int]:
    programs = [teacher.program for teacher in teachers]
    return {
        "parameters": sum(program.parameter_count for program in programs),
        "flops": sum(program.flops for program in programs),
    }


def _manifest(lesson: TrainingTask, inputs: DataFreeInputs) -> ModelManifest:
    names = ", ".join(teacher.name for teacher in inputs.teachers)
    return ModelManifest(
        name=inputs.name,
        format=ModelFormat.PT2,
        task=Task(kind=lesson.task, text=f"student of {names}"[:2000]),
        input=lesson.spec,
        classes=lesson.head.labels,
        trained_on=lesson.trained_on,
        tags=("student",),
    )


def noise(size: int, units: int, generator: torch.Generator, device: torch.device) -> Tensor:
    """Standard normal noise (size, units), drawn on the CPU so that every device gets the same."""
    return torch.randn(size, units, generator=generator).to(device)
