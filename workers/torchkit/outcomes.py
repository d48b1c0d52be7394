"""What a training takes and hands back, and the one way from the first to the second."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Int64, UInt8
from torch import Tensor, nn

from service.core.catalogue.training import Course
from service.core.errors import MethodError
from service.core.manifest import InputSpec, ModelFormat, ModelManifest, Task, TaskKind
from workers.contract import TrainingReport
from workers.torchkit.accelerators import arithmetic_on, laid_out, lay
from workers.torchkit.courses import Stage, Training, train
from workers.torchkit.curves import curve_picture
from workers.torchkit.exams import MEASURES, Exam, Judge
from workers.torchkit.students import require_answers
from workers.torchkit.teachers import Head, Teacher


class TeacherChangedError(MethodError):
    """A frozen network is not what it was; never seen, always checked."""

    code = "teacher_changed"


@dataclass(frozen=True, kw_only=True)
class Alone:
    """What a data-free training takes: there is no image in it to learn from.

    Attributes:
        name: What to call the student.
        exam: Judges the student; methods hand it to a ``Judge`` and never look inside.
        start: Weights that the student starts from, by name; None draws fresh ones.
    """

    name: str
    teachers: tuple[Teacher, ...]
    exam: Exam | None = None
    start: Mapping[str, Tensor] | None = None


@dataclass(frozen=True, kw_only=True)
class WithImages(Alone):
    """What a training on images takes; the exam's images are not among them.

    Attributes:
        images: Canonical frames.
        labels: Place of each image's label in ``label_names``, -1 where it has none; only methods
            that say so in their parameters look at them.
    """

    images: UInt8[Tensor, "image side side 3"]
    labels: Int64[Tensor, " image"] | None = None
    label_names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Trained:
    """A student in evaluation mode on the CPU, after its last step.

    Attributes:
        quality: Shares of held-out images by name; what could not be measured is absent.
        history: ``step`` and named numbers of every evaluation.
        teacher: Parameters and FLOPs of the networks learned from, together.
        taught_by: Names of the networks learned from, in order.
        params: What the method was told, as JSON knows it.
        trained_on: Images learned from; 0 for a data-free training.
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
class Lesson(Protocol):
    """What a room prepares: the student, how it learns, and what to show of it.

    Attributes:
        training: Student and all other networks that learn.
        spec: The images that the student takes.
        head: What the student's outputs stand for.
        heard: What the student was trained on, in words.
    """

    training: Training
    spec: InputSpec
    head: Head
    task: TaskKind
    heard: str

    @property
    def student(self) -> nn.Module:
        """What is judged and handed on."""
        ...

    def stages(self) -> Sequence[Stage]:
        """The parts of the training."""
        ...

    def pictures(self) -> Mapping[str, bytes]:
        """PNG files by name; draws nothing from any generator."""
        ...


@runtime_checkable
class Telling(Protocol):
    """A lesson with numbers of its own beside the exam's."""

    def numbers(self) -> Mapping[str, float]:
        """Numbers by name for the curve, after an evaluation; draws nothing from any generator."""
        ...


def _told_by(lesson: Lesson) -> dict[str, float]:
    return dict(lesson.numbers()) if isinstance(lesson, Telling) else {}


def complete(lesson: Lesson, inputs: Alone, course: Course, report: TrainingReport) -> Trained:
    """Train to the end, judge the last state, and check that no teacher changed.

    Raises:
        BadStudentError: The student answers pixels and the teachers images, or the other way round.
        DivergedError: Losses stopped being finite.
        TeacherChangedError: A teacher's weights or statistics moved.
    """
    require_answers(lesson.student, lesson.spec, lesson.task)
    judge = Judge(inputs.exam, inputs.teachers, lesson.head, lesson.task)
    before = [one.program.fingerprint for one in inputs.teachers]
    device = inputs.teachers[0].program.device
    laid_out(lesson.student, device)
    train(
        lesson.training,
        course,
        lesson.stages(),
        evaluate=lambda: judge.grade(lesson.student, lesson.spec) | _told_by(lesson),
        pictures=lesson.pictures,
        report=report,
        arithmetic=arithmetic_on(device),
    )
    if [one.program.fingerprint for one in inputs.teachers] != before:
        raise TeacherChangedError("a teacher changed while it taught")
    quality = judge.grade(lesson.student, lesson.spec) | judge.references()
    images = getattr(inputs, "images", None)
    return Trained(
        network=lay(lesson.student.eval().cpu(), torch.contiguous_format),
        manifest=_manifest(lesson, inputs),
        quality=quality | retention(quality),
        history=tuple(lesson.training.history),
        trained_on=0 if images is None else len(images),
        held_out=0 if inputs.exam is None else len(inputs.exam.images),
        teacher=_sizes(inputs.teachers),
        taught_by=tuple(one.name for one in inputs.teachers),
        params=course.model_dump(mode="json"),
        seconds=lesson.training.seconds,
        curve=curve_picture(lesson.training.history),
        pictures=lesson.pictures(),
    )


def retention(quality: Mapping[str, float]) -> dict[str, float]:
    """The student's share of each teacher's measure, and of what several reach side by side.

    Only where both are known and the teacher's is above 0.
    """
    found = {}
    whole = next((one for one in MEASURES.values() if one in quality), None)
    if whole is not None and quality.get("ceiling", 0) > 0:
        found["retention"] = quality[whole] / quality["ceiling"]
    for name, value in quality.items():
        if not name.startswith("teacher_") or value <= 0:
            continue
        rest = name.removeprefix("teacher_")
        number, several = rest.partition("_")[0], rest[0].isdigit()
        own = f"task_{rest}" if several else rest
        if own in quality:
            found[f"retention_{number}" if several else "retention"] = quality[own] / value
    return found


def _sizes(teachers: Sequence[Teacher]) -> dict[str, int]:
    programs = [one.program for one in teachers]
    return {
        "parameters": sum(one.parameter_count for one in programs),
        "flops": sum(one.flops for one in programs),
    }


def _manifest(lesson: Lesson, inputs: Alone) -> ModelManifest:
    names = ", ".join(one.name for one in inputs.teachers)
    return ModelManifest(
        name=inputs.name,
        format=ModelFormat.PT2,
        task=Task(kind=lesson.task, text=f"student of {names}"[:2000]),
        input=lesson.spec,
        classes=lesson.head.labels,
        trained_on=lesson.heard,
        tags=("student",),
    )


def noise(size: int, units: int, generator: torch.Generator, device: torch.device) -> Tensor:
    """Standard normal draws, made on the CPU so that every device sees the same."""
    return torch.randn(size, units, generator=generator).to(device)
