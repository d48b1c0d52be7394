"""A scene: who teaches, what is made, what judges; and a method's run on it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from torch import nn

from benchmarks.students.pictures import LabeledPictures
from service.core.catalog.training import Student
from service.core.manifest import InputSpec
from workers.torchkit.protocols import RecordingReporter
from workers.torchkit.training.evaluator import EvaluationSet, Evaluator
from workers.torchkit.training.retention import retention
from workers.torchkit.training.students import StudentNetwork, own_input, student_network
from workers.torchkit.training.task import DataFreeInputs, ImageInputs, TrainingResult
from workers.torchkit.training.teachers import Head, Teacher

Numbers = dict[str, float]
MethodRun = Callable[[Any, Any, RecordingReporter], TrainingResult]


@dataclass(frozen=True)
class Scene:
    """What a row of a table starts from.

    Attributes:
        images: What may be learned from; data-free methods never get it.
    """

    teachers: tuple[Teacher, ...]
    student: Student
    evaluation_set: EvaluationSet
    images: LabeledPictures

    @cached_property
    def head(self) -> Head:
        """What the student's outputs stand for."""
        return Head.of(self.teachers, self.student.labels)

    @cached_property
    def spec(self) -> InputSpec:
        """What the student takes."""
        return own_input(self.teachers[0].input, self.student)

    def fresh(self, seed: int) -> StudentNetwork:
        """The student before it learned anything, as methods make it."""
        generator = torch.Generator().manual_seed(seed)
        return student_network(
            self.student, self.spec, labels=len(self.head.labels), generator=generator
        )

    def graded(self, network: nn.Module) -> Numbers:
        """What the method's report would say of this network: measures, teachers, retention."""
        evaluator = Evaluator(self.evaluation_set, self.teachers, self.head, self.teachers[0].task)
        quality = evaluator.final(network, self.spec)
        return quality | retention(quality)

    @property
    def alone(self) -> DataFreeInputs:
        """Inputs of a data-free method."""
        return DataFreeInputs(
            name="student", teachers=self.teachers, evaluation_set=self.evaluation_set
        )

    @property
    def with_images(self) -> ImageInputs:
        """Inputs of a method that learns from images; it gets no labels."""
        return ImageInputs(
            name="student",
            teachers=self.teachers,
            evaluation_set=self.evaluation_set,
            images=self.images.frames,
        )

    @property
    def with_labels(self) -> ImageInputs:
        """Inputs of a method that may also look at the images' own labels."""
        return replace(self.with_images, labels=self.images.truth, label_names=self.images.labels)


def of_method(run: MethodRun, params: Any, inputs: DataFreeInputs) -> Numbers:
    """Quality of the method's student after its last step, and the last losses it reported."""
    trained = run(inputs, params, RecordingReporter())
    return {**(trained.history[-1] if trained.history else {}), **trained.quality}


def of_teachers(scene: Scene) -> Numbers:
    """The teachers' own measures, side by side where they are several."""
    evaluator = Evaluator(scene.evaluation_set, scene.teachers, scene.head, scene.teachers[0].task)
    return evaluator.references()
