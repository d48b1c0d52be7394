"""Card of ``adaptive_amalgamation``: chosen tasks of several networks come together in one."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from service.core.catalog.method_spec import (
    Audience,
    Family,
    LayerNames,
    MethodKind,
    MethodSpec,
    Params,
    TrainingTrait,
)
from service.core.catalog.training import (
    Label,
    Student,
    StudentArchitecture,
    StudentTrainingConfig,
    TeachersAndImages,
)


class Selection(StrEnum):
    """Which source teaches an image.

    ``entropy`` is the published rule: the source whose answer, among the task's labels alone, has
    the least entropy. ``normalised`` takes the entropy of all that a source answers, over the
    logarithm of their number. ``calibrated`` first gives every source the temperature at which
    its mean entropy over all images is that of the sources' average. ``margin`` looks at the gap
    between the two largest shares. ``soft`` lets sources share images, by softmax(-entropy / ``softness``). ``average``
    (every source teaches every image) and ``random`` are there for comparison.
    """

    ENTROPY = "entropy"
    NORMALISED = "normalised"
    CALIBRATED = "calibrated"
    MARGIN = "margin"
    SOFT = "soft"
    AVERAGE = "average"
    RANDOM = "random"


class TargetTask(Params):
    """A task of the student, by the labels that belong to it."""

    name: str = Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")
    """What to call it."""
    labels: tuple[Label, ...] = Field(min_length=1, max_length=10_000)
    """Its labels; every network that knows all of them is one of its sources."""


class ComponentNetwork(Params):
    """The networks between sources and student, one for each task."""

    architecture: StudentArchitecture = StudentArchitecture.RESIDUAL
    """The build of the network."""
    width: int = Field(16, ge=4, le=256)
    """Channels of the first stage; later stages have twice and four times as many."""


class AdaptiveAmalgamationParams(StudentTrainingConfig):
    """What the student shall know, who teaches it which image, and the parts of the loss."""

    tasks: tuple[TargetTask, ...] | None = Field(None, min_length=1, max_length=16)
    """The student's tasks. None makes one task of every group of networks that are linked by
    common labels: the labels that all of the group know."""
    selection: Selection = Selection.ENTROPY
    """Which source teaches an image."""
    softness: float = Field(0.1, gt=0, le=100)
    """How evenly ``soft`` shares an image, in nats."""
    feature_weight: float = Field(1.0, ge=0, le=1000)
    """Weight of the aligned features beside the logits; 0 leaves features alone."""
    component: ComponentNetwork | None = None
    """The build of the networks in between; None means the student's."""
    teacher_layers: tuple[LayerNames, ...] | None = Field(None, min_length=1, max_length=16)
    """For each teacher its layers (channels, rows, columns) that are aligned, from the image to
    the answer; the last goes with the last block. None takes the last layer of every size."""
    rate: float = Field(0.01, gt=0, le=1)
    """Peak learning rate of networks and alignments; the scales of the logits learn at a
    hundredth of it."""

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        tasks = self.tasks or ()
        _refuse_repeats("a task's name", [one.name for one in tasks])
        _refuse_repeats("a label", [label for one in tasks for label in one.labels])
        return self

    def between(self) -> Student:
        """The build of a component."""
        build = self.component or self.student
        return Student(architecture=build.architecture, width=build.width, side=self.student.side)


def _refuse_repeats(what: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"{what} is given twice: {name!r}")
        seen.add(name)


SPEC = MethodSpec(
    name="adaptive_amalgamation",
    title="One network for chosen tasks of several, each image taught by whoever is sure of it",
    family=Family.TRAINING,
    kind=MethodKind.TRAINING,
    traits=frozenset({TrainingTrait.WHOLE_IMAGES_ONLY}),
    audience=Audience.PUBLIC,
    version=1,
    source="Shen et al. 2019, arXiv 1908.07121",
    inputs=TeachersAndImages,
    params=AdaptiveAmalgamationParams,
    result="a model, with report, learning curve and who taught how much",
)
