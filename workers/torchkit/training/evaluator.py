"""Evaluation of a student on held-out images, to which no method has access."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor, nn

from service.core.manifest import InputSpec, TaskKind
from workers.torchkit.attribution.canonical import Preprocessing, to_network_input
from workers.torchkit.attribution.module_reader import evaluating
from workers.torchkit.training.teachers import Head, Teacher, merged, stacked

_AT_ONCE = 256
UNKNOWN = -1

Numbers = dict[str, float]

MEASURES = {
    TaskKind.CLASSIFICATION: "accuracy",
    TaskKind.MULTI_LABEL: "mean_average_precision",
    TaskKind.SEGMENTATION: "mean_iou",
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


class Evaluator:
    """Measures students on held-out images; without these it returns no numbers.

    Grades: the measure of the task (``accuracy``, ``mean_average_precision``, ``mean_iou``) over
    all labels; with several teachers also over the images and labels of each teacher, as
    ``task_1_accuracy``, …. ``agreement`` with a teacher (``agreement_1``, … with several) is the
    share of equal decisions on the images of that teacher's labels.
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
        self._task = task
        self._measure = _MEASURES[task]
        self._name = MEASURES[task]

    def grade(self, student: nn.Module, spec: InputSpec) -> Numbers:
        """Held-out quality of a student whose outputs are ``head.labels``."""
        if self._evaluation_set is None:
            return {}
        student_logits = self._student_logits(student, spec)
        return self._against_truth(student_logits) | self._against_teachers(student_logits)

    def references(self) -> Numbers:
        """Reference values for a student's grades.

        The same measures of the teachers, with ``ceiling`` for several teachers side by side;
        ``chance`` is the share of the most common label.
        """
        if self._evaluation_set is None or self._truth is None:
            return {}
        references: dict[str, float | None] = {"chance": self._chance(self._truth)}
        if self._teachers:
            joint = merged(stacked(self._teacher_logits, self._head), self._head)
            several = len(self._teachers) > 1
            whole = "ceiling" if several else f"teacher_{self._name}"
            references[whole] = self._measure(joint, self._truth)
            for number, measure in enumerate(self._tasks(joint) if several else (), start=1):
                references[f"teacher_{number}_{self._name}"] = measure
        return {name: value for name, value in references.items() if value is not None}

    def _chance(self, truth: Tensor) -> float | None:
        """Share of the most common label; None unless the task is classification."""
        labeled = truth[truth >= 0]
        if self._task is not TaskKind.CLASSIFICATION or not len(labeled):
            return None
        return float(labeled.bincount().max() / len(labeled))

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

        None for segmentation with labels of whole images, which say nothing about pixels.
        """
        assert self._evaluation_set is not None
        truth, names = self._evaluation_set.truth, self._evaluation_set.labels
        if truth is None or (self._task is TaskKind.SEGMENTATION and truth.ndim == 1):
            return None
        label_index = {name: index for index, name in enumerate(self._head.labels)}
        head_indices = torch.tensor([label_index.get(name, UNKNOWN) for name in names] + [UNKNOWN])
        if self._task is not TaskKind.MULTI_LABEL:
            return head_indices[truth]
        if truth.ndim == 1:
            return _one_hot(head_indices[truth], len(self._head.labels))
        multi_hot = torch.full((len(truth), len(self._head.labels)), UNKNOWN)
        for column, index in enumerate(head_indices[:-1].tolist()):
            if index >= 0:
                multi_hot[:, index] = truth[:, column]
        return multi_hot

    def _student_logits(self, student: nn.Module, spec: InputSpec) -> Tensor:
        device = next(student.parameters()).device
        preprocessing = Preprocessing.of(spec)
        with torch.no_grad(), evaluating(student) as network:
            parts = [
                network(to_network_input(part, preprocessing).to(device)) for part in self._parts()
            ]
        return torch.cat([part.float().cpu() for part in parts])

    def _against_truth(self, student_logits: Tensor) -> Numbers:
        if self._truth is None:
            return {}
        grades = {self._name: self._measure(student_logits, self._truth)}
        if len(self._teachers) > 1:
            for number, value in enumerate(self._tasks(student_logits), start=1):
                grades[f"task_{number}_{self._name}"] = value
        return {name: value for name, value in grades.items() if value is not None}

    def _tasks(self, logits: Tensor) -> list[float | None]:
        """The measure over each teacher's labels only."""
        assert self._truth is not None
        measures = []
        for number in range(len(self._teachers)):
            label_indices = self._head.label_indices(number)
            measures.append(
                self._measure(
                    logits[:, label_indices], _within(self._truth, label_indices, self._task)
                )
            )
        return measures

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


def _one_hot(labels_of_images: Tensor, count: int) -> Tensor:
    one_hot = torch.zeros(len(labels_of_images), count, dtype=torch.int64)
    labeled = labels_of_images >= 0
    one_hot[labeled, labels_of_images[labeled]] = 1
    one_hot[~labeled] = UNKNOWN
    return one_hot


def _within(truth: Tensor, label_indices: Tensor, task: TaskKind) -> Tensor:
    """The truth as indices into ``label_indices``; -1 for all other labels."""
    if task is TaskKind.MULTI_LABEL:
        return truth[:, label_indices]
    longest = max(int(truth.max()), int(label_indices.max())) + 1
    table = torch.full((longest + 1,), UNKNOWN)
    table[label_indices] = torch.arange(len(label_indices))
    return table[truth]


def decisions(logits: Float[Tensor, "image label *pixel"], task: TaskKind) -> Tensor:
    """The predicted label of every image or pixel; for multi-label tasks, presence of each label."""
    return logits > 0 if task is TaskKind.MULTI_LABEL else logits.argmax(dim=1)


def accuracy(logits: Tensor, truth: Tensor) -> float | None:
    """Share of labeled images whose largest logit is that of their label; None without labels."""
    labeled = truth >= 0
    if not labeled.any():
        return None
    return float((logits[labeled].argmax(dim=1) == truth[labeled]).float().mean())


def mean_iou(logits: Tensor, truth: Tensor) -> float | None:
    """Mean intersection over union of the labels that occur in truth or prediction.

    Logits of another size than the truth are resized to it.
    """
    if logits.shape[-2:] != truth.shape[-2:]:
        logits = nn.functional.interpolate(
            logits, size=truth.shape[-2:], mode="bilinear", align_corners=False
        )
    labeled, chosen = truth >= 0, logits.argmax(dim=1)
    shares = []
    for label in range(logits.shape[1]):
        predicted_here, true_here = (chosen == label) & labeled, truth == label
        union = (predicted_here | true_here).sum()
        if union > 0:
            shares.append(float((predicted_here & true_here).sum() / union))
    return sum(shares) / len(shares) if shares else None


def mean_average_precision(logits: Tensor, truth: Tensor) -> float | None:
    """Mean over labels with a positive image of the average precision."""
    precisions = [
        average_precision(logits[truth[:, label] >= 0, label], truth[truth[:, label] >= 0, label])
        for label in range(logits.shape[1])
        if (truth[:, label] == 1).any()
    ]
    return sum(precisions) / len(precisions) if precisions else None


def average_precision(scores: Float[Tensor, " image"], hits: Int64[Tensor, " image"]) -> float:
    """Mean precision at the ranks of the positive images; ties keep the order of the images."""
    ordered = hits[scores.argsort(descending=True, stable=True)].double()
    precision = ordered.cumsum(0) / torch.arange(1, len(ordered) + 1)
    return float((precision * ordered).sum() / ordered.sum())


_MEASURES: dict[TaskKind, Callable[[Tensor, Tensor], float | None]] = {
    TaskKind.CLASSIFICATION: accuracy,
    TaskKind.MULTI_LABEL: mean_average_precision,
    TaskKind.SEGMENTATION: mean_iou,
}
