"""Evaluation of a student on held-out images, to which no method has access."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Int64, UInt8
from torch import Tensor, nn

from service.core.manifest import InputSpec, TaskKind
from workers.programs.trainable import Probed
from workers.torchkit.attribution.canonical import Preprocessing, to_network_input
from workers.torchkit.attribution.module_reader import evaluating
from workers.torchkit.training.frozen_features import FrozenFeatures, logits_from
from workers.torchkit.training.leads import lead_over
from workers.torchkit.training.measures import MEASURES, UNKNOWN, decisions, one_hot, within
from workers.torchkit.training.shared_labels import label_logits
from workers.torchkit.training.teachers import Head, Teacher

_AT_ONCE = 256
# Below every logit, and finite so that maps of it can be resized.
_NEVER = -1e30

Numbers = dict[str, float]

_TRUTH_DIMENSIONS = {
    TaskKind.CLASSIFICATION: {1},
    TaskKind.MULTI_LABEL: {1, 2},
    TaskKind.SEGMENTATION: {3},
}


@dataclass(frozen=True)
class EvaluationSet:
    """Canonical frames with their ground truth.

    Attributes:
        truth: By the kind of task: label index (image,), 0 or 1 (image, label), or label index of
            every pixel (image, row, column); indices into ``labels``, -1 for unknown. None
            without ground truth.
        labels: Names of the label indices.
    """

    images: UInt8[Tensor, "image side side 3"]
    truth: Int64[Tensor, "image ..."] | None
    labels: tuple[str, ...]


@runtime_checkable
class StudentEvaluator(Protocol):
    """Measures a student on held-out images."""

    def evaluate(self, student: nn.Module, spec: InputSpec) -> Mapping[str, float]:
        """Held-out quality during the training; must not draw from the training's generator."""
        ...

    def final(self, student: nn.Module, spec: InputSpec) -> Mapping[str, float]:
        """Held-out quality after the training, with the values to compare it with."""
        ...


@dataclass(frozen=True)
class _Reference:
    """A network, or several together, that the student is compared with.

    Attributes:
        name: As in ``teacher_1_accuracy``.
        logits: Its logits (image, label, …).
        labels: The student's outputs for these labels.
        truth: As indices into ``labels``; -1 for all other labels.
    """

    name: str
    logits: Tensor
    labels: Tensor
    truth: Tensor


class Evaluator:
    """Measures students on held-out images; without these it returns no numbers.

    Scores: the measures of the task (``accuracy``; ``mean_average_precision`` and
    ``label_accuracy``; ``mean_iou``) over all labels; with several teachers also over the images and
    labels of each teacher, as ``task_1_accuracy``, …. ``agreement`` with a teacher (``agreement_1``, …
    with several) is the share of equal decisions on the images of that teacher's labels.
    """

    def __init__(
        self,
        evaluation_set: EvaluationSet | None,
        teachers: Sequence[Teacher],
        head: Head,
        task: TaskKind,
    ) -> None:
        self._evaluation_set, self._head = evaluation_set, head
        self._teachers = teachers if head.columns else ()
        self._task, self._measures = task, MEASURES[task]
        self._features = FrozenFeatures()

    def evaluate(self, student: nn.Module, spec: InputSpec) -> Numbers:
        """Held-out quality of a student whose outputs are ``head.labels``."""
        if self._evaluation_set is None:
            return {}
        student_logits = self._student_logits(student, spec)
        return self._against_truth(student_logits) | self._against_teachers(student_logits)

    def final(self, student: nn.Module, spec: InputSpec) -> Numbers:
        """Held-out quality, the reference values, and the student's lead over each of them.

        A lead has a 90 % interval: ``lead_over_teacher_1_accuracy``, ``…_low`` and ``…_high``.
        """
        if self._evaluation_set is None:
            return {}
        student_logits = self._student_logits(student, spec)
        leads: Numbers = {}
        for reference in self._references():
            own = student_logits[:, reference.labels]
            for measure in self._measures:
                lead = lead_over(measure, own, reference.logits, reference.truth)
                if lead is not None:
                    leads |= lead.numbers(f"lead_over_{reference.name}_{measure.name}")
        scores = self._against_truth(student_logits) | self._against_teachers(student_logits)
        return scores | self.references() | leads

    def references(self) -> Numbers:
        """Reference values for a student's scores.

        The same measures of every teacher alone, on the images of its labels. Of several teachers
        also ``merged``, all of them together, and ``best_teacher``, the best one that has all labels
        of the images, with its number from 1. ``chance`` is what an answer reaches that looks at no
        image.
        """
        if self._evaluation_set is None or self._truth is None:
            return {}
        references: dict[str, float | None] = {}
        for number, measure in enumerate(self._measures):
            name = f"chance_{measure.name}" if number else "chance"
            references[name] = measure.chance(self._truth)
        for reference in self._references():
            for measure in self._measures:
                name = f"{reference.name}_{measure.name}"
                references[name] = measure.value(reference.logits, reference.truth)
        best = self._best_teacher()
        if best is not None:
            references["best_teacher"] = float(best + 1)
        return {name: value for name, value in references.items() if value is not None}

    def _references(self) -> Iterator[_Reference]:
        """All that a student is compared with; nothing without ground truth."""
        if self._truth is None or not self._teachers:
            return
        everything = torch.arange(len(self._head.labels))
        merged = label_logits(self._teacher_logits, self._head, self._task)
        if len(self._teachers) == 1:
            yield _Reference("teacher", merged, everything, self._truth)
            return
        yield _Reference("merged", merged, everything, self._truth)
        best = self._best_teacher()
        if best is not None:
            yield _Reference("best_teacher", self._over_all(best), everything, self._truth)
        for number in range(len(self._teachers)):
            yield self._alone(number)

    def _alone(self, number: int) -> _Reference:
        """A teacher on the images of its own labels, among these labels."""
        assert self._truth is not None
        labels = self._head.label_indices(number)
        logits = self._teacher_logits[number][:, self._head.output_columns(number)]
        truth = within(self._truth, labels, self._task)
        return _Reference(f"teacher_{number + 1}", logits, labels, truth)

    def _over_all(self, number: int) -> Tensor:
        """A teacher's logits in the order of the head; it never says a label that it lacks."""
        logits = self._teacher_logits[number]
        shape = (len(logits), len(self._head.labels), *logits.shape[2:])
        ordered = logits.new_full(shape, _NEVER)
        ordered[:, self._head.label_indices(number)] = logits[:, self._head.output_columns(number)]
        return ordered

    def _best_teacher(self) -> int | None:
        """The teacher of the highest main measure among those that have all labels of the images."""
        if self._truth is None or len(self._teachers) == 1:
            return None
        occurring = self._occurring_labels()
        scores = {}
        for number in range(len(self._teachers)):
            if set(occurring) <= set(self._head.label_indices(number).tolist()):
                value = self._measures[0].value(self._over_all(number), self._truth)
                if value is not None:
                    scores[number] = value
        return max(scores, key=lambda number: scores[number]) if scores else None

    def _occurring_labels(self) -> list[int]:
        """Indices of the labels that the truth decides about."""
        assert self._truth is not None
        if self._task is TaskKind.MULTI_LABEL:
            judged: list[int] = (self._truth >= 0).any(dim=0).nonzero().flatten().tolist()
            return judged
        present = self._truth[self._truth >= 0].unique()  # type: ignore[no-untyped-call]
        labels: list[int] = present.tolist()
        return labels

    @cached_property
    def _teacher_logits(self) -> list[Tensor]:
        """Every teacher's logits on the held-out images, on the CPU."""
        assert self._evaluation_set is not None
        with torch.no_grad():
            return [
                torch.cat(
                    [teacher.answer(teacher.of_frames(frames)).cpu() for frames in self._parts()]
                )
                for teacher in self._teachers
            ]

    def _parts(self) -> tuple[Tensor, ...]:
        assert self._evaluation_set is not None
        return self._evaluation_set.images.split(_AT_ONCE)  # type: ignore[no-untyped-call, no-any-return]

    @cached_property
    def _truth(self) -> Tensor | None:
        """The truth as indices of the head's labels; -1 for labels that the head lacks.

        None for a truth of another kind than the task: labels of whole images say nothing about
        pixels, and several labels nothing about the one of a classifier.
        """
        assert self._evaluation_set is not None
        truth, names = self._evaluation_set.truth, self._evaluation_set.labels
        if truth is None or truth.ndim not in _TRUTH_DIMENSIONS[self._task]:
            return None
        label_index = {name: index for index, name in enumerate(self._head.labels)}
        head_indices = torch.tensor([label_index.get(name, UNKNOWN) for name in names] + [UNKNOWN])
        if self._task is not TaskKind.MULTI_LABEL:
            return head_indices[truth]
        if truth.ndim == 1:
            return one_hot(head_indices[truth], len(self._head.labels))
        multi_hot = torch.full((len(truth), len(self._head.labels)), UNKNOWN)
        for column, index in enumerate(head_indices[:-1].tolist()):
            if index >= 0:
                multi_hot[:, index] = truth[:, column]
        return multi_hot

    def _student_logits(self, student: nn.Module, spec: InputSpec) -> Tensor:
        device = next(student.parameters()).device
        preprocessing = Preprocessing.of(spec)

        def inputs() -> Iterator[Tensor]:
            return (to_network_input(part, preprocessing).to(device) for part in self._parts())

        with torch.no_grad(), evaluating(student) as network:
            if isinstance(network, Probed) and network.body_is_frozen:
                count = sum(len(part) for part in self._parts())
                return logits_from(self._features.of(network, inputs, images=count), network)
            return torch.cat([network(part).float().cpu() for part in inputs()])

    def _against_truth(self, student_logits: Tensor) -> Numbers:
        if self._truth is None:
            return {}
        scores = {
            measure.name: measure.value(student_logits, self._truth) for measure in self._measures
        }
        if len(self._teachers) > 1:
            for number in range(len(self._teachers)):
                scores |= self._of_task(student_logits, number)
        return {name: value for name, value in scores.items() if value is not None}

    def _of_task(self, student_logits: Tensor, number: int) -> dict[str, float | None]:
        """The measures over one teacher's labels only."""
        assert self._truth is not None
        labels = self._head.label_indices(number)
        truth = within(self._truth, labels, self._task)
        return {
            f"task_{number + 1}_{measure.name}": measure.value(student_logits[:, labels], truth)
            for measure in self._measures
        }

    def _against_teachers(self, student_logits: Tensor) -> Numbers:
        agreements = {}
        for number, teacher_logits in enumerate(self._teacher_logits):
            label_indices, columns = (
                self._head.label_indices(number),
                self._head.output_columns(number),
            )
            owned = self._owned(label_indices)
            name = "agreement" if len(self._teachers) == 1 else f"agreement_{number + 1}"
            if owned.any():
                same = decisions(student_logits[:, label_indices], self._task) == decisions(
                    teacher_logits[:, columns], self._task
                )
                agreements[name] = float(same[owned].float().mean())
        return agreements

    def _owned(self, label_indices: Tensor) -> Tensor:
        """Mask of images whose label the teacher has; all images where labels cannot decide."""
        all_images = torch.ones(len(self._teacher_logits[0]), dtype=torch.bool)
        if len(self._teachers) == 1 or self._truth is None or self._truth.ndim > 1:
            return all_images
        return torch.isin(self._truth, label_indices)
