"""Specification of ``adaptive_amalgamation``: chosen tasks of several networks in one student."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from service.core.catalog.method_spec import (
    Audience,
    Family,
    JobLane,
    LayerNames,
    MethodKind,
    MethodSpec,
    Params,
    TrainingTrait,
)
from service.core.catalog.training import (
    DistinctLabels,
    Student,
    StudentArchitecture,
    StudentTrainingConfig,
    TeachersAndImages,
)


class Selection(StrEnum):
    """Rule that selects the teacher of each image.

    ``entropy`` is the published rule: the source whose output, over the labels of the task, has the
    lowest entropy. ``normalized`` uses the entropy over all outputs of a source, divided by the
    logarithm of their number. ``calibrated`` first sets the temperature of each source so that its
    mean entropy over all images equals the average of the sources. ``margin`` uses the gap between
    the two largest probabilities. ``soft`` lets sources share images by softmax(-entropy /
    ``softness``). ``average`` (every source teaches every image) and ``random`` are baselines.
    """

    ENTROPY = "entropy"
    NORMALIZED = "normalized"
    CALIBRATED = "calibrated"
    MARGIN = "margin"
    SOFT = "soft"
    AVERAGE = "average"
    RANDOM = "random"


class TargetTask(Params):
    """A task of the student, defined by its labels."""

    name: str = Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")
    """Name of the task."""
    labels: DistinctLabels = Field(min_length=1, max_length=10_000)
    """Labels of the task; every teacher that knows all of them is a source of the task."""


class ComponentNetwork(Params):
    """Component networks between sources and student, one per task."""

    architecture: StudentArchitecture = StudentArchitecture.RESIDUAL
    """Architecture of the component network."""
    width: int = Field(16, ge=4, le=256)
    """Number of channels of the first stage; later stages have two and four times as many."""


class AdaptiveAmalgamationParams(StudentTrainingConfig):
    """Target tasks, the rule that selects the teacher of each image, and the loss weights."""

    tasks: tuple[TargetTask, ...] | None = Field(None, min_length=1, max_length=16)
    """Tasks of the student. None makes one task of every group of teachers that are linked by
    common labels, with the labels that all of the group know."""
    selection: Selection = Selection.ENTROPY
    """Rule that selects the teacher of each image."""
    softness: float = Field(0.1, gt=0, le=100)
    """Temperature of the ``soft`` selection, in nats; higher values share each image more
    evenly."""
    feature_weight: float = Field(1.0, ge=0, le=1000)
    """Weight of the feature alignment loss relative to the logit loss; 0 turns alignment off."""
    component: ComponentNetwork | None = None
    """Architecture of the component networks; None uses the student's."""
    teacher_layers: tuple[LayerNames, ...] | None = Field(None, min_length=1, max_length=16)
    """Layers of each teacher to align (channels, rows, columns), ordered from input to output; the
    last is aligned with the last block. None uses the last layer of every size."""
    learning_rate: float = Field(0.01, gt=0, le=1)
    """Peak learning rate of networks and alignments; logit scales use a hundredth of it."""

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        tasks = self.tasks or ()
        _refuse_repeats("a task's name", [task.name for task in tasks])
        _refuse_repeats("a label", [label for task in tasks for label in task.labels])
        return self

    def between(self) -> Student:
        """The build of a component."""
        build = self.component or self.student
        return Student(
            architecture=build.architecture, width=build.width, image_size=self.student.image_size
        )


def _refuse_repeats(what: str, names: Iterable[str]) -> None:
    earlier: set[str] = set()
    for name in names:
        if name in earlier:
            raise ValueError(f"{what} is repeated: {name!r}")
        earlier.add(name)


SPEC = MethodSpec(
    name="adaptive_amalgamation",
    title="Combine chosen tasks of several networks in one student; each image is labeled by the"
    " most confident teacher",
    family=Family.TRAINING,
    kind=MethodKind.TRAINING,
    traits=frozenset({TrainingTrait.WHOLE_IMAGES_ONLY}),
    audience=Audience.PUBLIC,
    version=3,
    source="Shen et al. 2019, arXiv 1908.07121",
    inputs=TeachersAndImages,
    params=AdaptiveAmalgamationParams,
    result="a model, with report, learning curve and each source's share of the images",
    lane=JobLane.LONG,
    time_limit_seconds=None,
)
