"""The inputs and the result of a training, and the common path between them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Int64, UInt8
from torch import Tensor, nn

from service.core.catalog.training import TrainingConfig
from service.core.errors import MethodError
from service.core.manifest import InputSpec, ModelFormat, ModelManifest, Task, TaskKind
from service.core.near_chance import near_chance
from workers.torchkit.drawing.curves import curve_picture
from workers.torchkit.protocols import TrainingReport
from workers.torchkit.training.accelerators import (
    arithmetic_on,
    set_memory_format,
    use_channels_last,
)
from workers.torchkit.training.evaluator import EvaluationSet, Evaluator, StudentEvaluator
from workers.torchkit.training.loop import Training, TrainingStage, train
from workers.torchkit.training.measures import MEASURES
from workers.torchkit.training.recipes import params_that_ran
from workers.torchkit.training.retention import retention
from workers.torchkit.training.students import require_answers
from workers.torchkit.training.task_parts import HasNumbers, HasRecipe, HasWarnings
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
        recipe: What the report states of the job besides the parameters, as JSON values.
    """

    name: str
    teachers: tuple[Teacher, ...]
    evaluation_set: EvaluationSet | None = None
    start: Mapping[str, Tensor] | None = None
    recipe: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ImageInputs(DataFreeInputs):
    """Inputs of a training on images, disjoint from the held-out ones.

    Attributes:
        images: Canonical frames.
        labels: Index of each image's label in ``label_names``, -1 for none; where images have
            several, 1 in the columns of theirs. Only methods that declare it in their parameters
            use labels.
    """

    images: UInt8[Tensor, "image side side 3"]
    labels: Int64[Tensor, " image *label"] | None = None
    label_names: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PictureInputs(ImageInputs):
    """Inputs of a stylizer: ``images`` are contents, and the one teacher compares pictures.

    Attributes:
        styles: Canonical frames of the styles to learn from.
        held_out_styles: Those that only evaluate.
    """

    styles: UInt8[Tensor, "style style_side style_side 3"]
    held_out_styles: UInt8[Tensor, "held style_side style_side 3"]


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What a method adds to the report of its training.

    Attributes:
        details: Further entries of the JSON report.
        paragraphs: Further paragraphs of the report for readers, in Markdown.
        documents: Text files by name.
    """

    details: Mapping[str, Any] = field(default_factory=dict)
    paragraphs: tuple[str, ...] = ()
    documents: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class TrainingResult:
    """A student in evaluation mode on the CPU, after its last step.

    Attributes:
        quality: Shares of held-out images by name; unmeasured ones are absent.
        history: ``step`` and named numbers of every evaluation.
        teacher: Parameters and FLOPs of all teachers together.
        taught_by: Names of the teachers, in order.
        params: The parameters that ran as JSON values, those of a preset too.
        recipe: Method, teachers and datasets of the job as JSON values.
        warnings: Each with ``code``, ``detail`` and ``remedy``.
        trained_on: Number of training images; 0 for a data-free training.
        pictures: PNG files by name, the curve among them.
        findings: What the method adds to the report.
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
    findings: Findings = Findings()
    recipe: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[Mapping[str, str], ...] = ()


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
class BringsEvaluator(Protocol):
    """A training task whose student has no labels of its own, so that it is measured differently."""

    def evaluator(self, evaluation_set: EvaluationSet | None) -> StudentEvaluator:
        """The only reader of the held-out images."""
        ...

    def described(self, manifest: ModelManifest) -> ModelManifest:
        """The manifest of the trained student."""
        ...

    def findings(self) -> Findings:
        """What the last evaluation adds to the report."""
        ...


def _evaluator(training_task: TrainingTask, inputs: DataFreeInputs) -> StudentEvaluator:
    if isinstance(training_task, BringsEvaluator):
        return training_task.evaluator(inputs.evaluation_set)
    return Evaluator(
        inputs.evaluation_set, inputs.teachers, training_task.head, training_task.task
    )


def _task_numbers(training_task: TrainingTask) -> dict[str, float]:
    return dict(training_task.numbers()) if isinstance(training_task, HasNumbers) else {}


def complete(
    training_task: TrainingTask,
    inputs: DataFreeInputs,
    config: TrainingConfig,
    report: TrainingReport,
) -> TrainingResult:
    """The trained student, evaluated after its last step; checks that no teacher changed.

    Raises:
        BadStudentError: The student predicts pixels and the teachers whole images, or vice versa.
        DivergedError: Losses stopped being finite.
        TeacherChangedError: A teacher's weights or statistics moved.
    """
    require_answers(training_task.student, training_task.spec, training_task.task)
    evaluator = _evaluator(training_task, inputs)
    fingerprints = [teacher.program.fingerprint for teacher in inputs.teachers]
    device = inputs.teachers[0].program.device
    use_channels_last(training_task.student, device)
    train(
        training_task.training,
        config,
        training_task.stages(),
        evaluate=lambda: {
            **evaluator.evaluate(training_task.student, training_task.spec),
            **_task_numbers(training_task),
        },
        pictures=training_task.pictures,
        report=report,
        arithmetic=arithmetic_on(device),
    )
    if [teacher.program.fingerprint for teacher in inputs.teachers] != fingerprints:
        raise TeacherChangedError("a teacher's weights or statistics changed during training")
    quality = evaluator.final(training_task.student, training_task.spec)
    return _result(training_task, inputs, config, quality)


def _result(
    training_task: TrainingTask,
    inputs: DataFreeInputs,
    config: TrainingConfig,
    quality: Mapping[str, float],
) -> TrainingResult:
    """Everything about the trained student, which moves to the CPU."""
    images, quality = getattr(inputs, "images", None), {**quality, **retention(quality)}
    manifest, pictures = _manifest(training_task, inputs), training_task.pictures()
    findings = Findings()
    own = training_task.recipe() if isinstance(training_task, HasRecipe) else {}
    if isinstance(training_task, BringsEvaluator):
        manifest, findings = training_task.described(manifest), training_task.findings()
    return TrainingResult(
        network=set_memory_format(training_task.student.eval().cpu(), torch.contiguous_format),
        manifest=manifest,
        quality=quality,
        history=tuple(training_task.training.history),
        trained_on=0 if images is None else len(images),
        held_out=_held_out(inputs),
        teacher=_sizes(inputs.teachers),
        taught_by=tuple(teacher.name for teacher in inputs.teachers),
        params=params_that_ran(
            config,
            {"name": inputs.name, "device": inputs.teachers[0].program.device.type, **own},
            spec=training_task.spec,
            labels=training_task.head.labels,
        ),
        recipe=inputs.recipe,
        warnings=_warnings(training_task, inputs, quality),
        seconds=training_task.training.seconds,
        curve=curve_picture(training_task.training.history),
        pictures=pictures,
        findings=findings,
    )


def _held_out(inputs: DataFreeInputs) -> int:
    return 0 if inputs.evaluation_set is None else len(inputs.evaluation_set.images)


def _warnings(
    training_task: TrainingTask, inputs: DataFreeInputs, quality: Mapping[str, float]
) -> tuple[Mapping[str, str], ...]:
    """Whether the student learned anything, and what the method found."""
    own = training_task.warnings() if isinstance(training_task, HasWarnings) else ()
    measures = MEASURES.get(training_task.task)
    if measures is None:
        return tuple(own)
    measure = measures[0].name
    chance = near_chance(
        quality.get(measure), quality.get("chance"), _held_out(inputs), measure=measure
    )
    return (*chance, *own)


def _sizes(teachers: Sequence[Teacher]) -> dict[str, int]:
    programs = [teacher.program for teacher in teachers]
    return {
        "parameters": sum(program.parameter_count for program in programs),
        "flops": sum(program.flops for program in programs),
    }


def _manifest(training_task: TrainingTask, inputs: DataFreeInputs) -> ModelManifest:
    names = ", ".join(teacher.name for teacher in inputs.teachers)
    return ModelManifest(
        name=inputs.name,
        format=ModelFormat.PT2,
        task=Task(kind=training_task.task, text=f"student of {names}"[:2000]),
        input=training_task.spec,
        classes=training_task.head.labels,
        trained_on=training_task.trained_on,
        tags=("student",),
    )


def noise(size: int, units: int, generator: torch.Generator, device: torch.device) -> Tensor:
    """Standard normal noise (size, units), drawn on the CPU so that every device gets the same."""
    return torch.randn(size, units, generator=generator).to(device)
