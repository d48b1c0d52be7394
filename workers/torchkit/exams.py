"""Held-out images judge a student; no method sees them, only the numbers that come of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor, nn

from service.core.manifest import InputSpec, TaskKind
from workers.torchkit.canonical import Preprocessing, to_network_input
from workers.torchkit.module_reader import evaluating
from workers.torchkit.teachers import Head, Teacher, merged, stacked

_AT_ONCE = 256
UNKNOWN = -1

Numbers = dict[str, float]

MEASURES = {
    TaskKind.CLASSIFICATION: "accuracy",
    TaskKind.MULTI_LABEL: "mean_average_precision",
    TaskKind.SEGMENTATION: "mean_iou",
}


@dataclass(frozen=True)
class Exam:
    """Canonical frames and what is true of them.

    Attributes:
        truth: By the kind of task: (image,) place of the label, (image, label) 0 or 1, or
            (image, row, column) place of every pixel's label; all in ``labels``, -1 not known.
            None where nothing is known.
        labels: Names that ``truth`` counts.
    """

    images: UInt8[Tensor, "image side side 3"]
    truth: Int64[Tensor, "image ..."] | None
    labels: tuple[str, ...]


class Judge:
    """Grades students on an exam; without one it knows nothing.

    Grades: the measure of the task (``accuracy``, ``mean_average_precision``, ``mean_iou``) over
    all labels; with several teachers the same on the images and labels of each alone as
    ``task_1_accuracy``, …; ``agreement`` with a teacher (``agreement_1``, … with several) is the
    share of equal decisions on those images.
    """

    def __init__(
        self, exam: Exam | None, teachers: Sequence[Teacher], head: Head, task: TaskKind
    ) -> None:
        self._exam, self._head = exam, head
        self._teachers = teachers if head.columns else ()
        self._task = task
        self._measure = _MEASURES[task]
        self._name = MEASURES[task]

    def grade(self, student: nn.Module, spec: InputSpec) -> Numbers:
        """Held-out quality of a student whose outputs are ``head.labels``."""
        if self._exam is None:
            return {}
        said = self._said_by(student, spec)
        return self._against_truth(said) | self._against_teachers(said)

    def references(self) -> Numbers:
        """What a student's grades are to be held against.

        The same measures of the teachers, ``ceiling`` for several put side by side; ``chance`` is
        the share of the commonest label.
        """
        if self._exam is None or self._truth is None:
            return {}
        found: dict[str, float | None] = {"chance": self._chance(self._truth)}
        if self._teachers:
            joint = merged(stacked(self._told, self._head), self._head)
            several = len(self._teachers) > 1
            whole = "ceiling" if several else f"teacher_{self._name}"
            found[whole] = self._measure(joint, self._truth)
            for number, one in enumerate(self._tasks(joint) if several else (), start=1):
                found[f"teacher_{number}_{self._name}"] = one
        return {name: value for name, value in found.items() if value is not None}

    def _chance(self, truth: Tensor) -> float | None:
        """Only a choice among labels has one."""
        known = truth[truth >= 0]
        if self._task is not TaskKind.CLASSIFICATION or not len(known):
            return None
        return float(known.bincount().max() / len(known))

    @cached_property
    def _told(self) -> list[Tensor]:
        """Every teacher's answers to the exam, on the CPU."""
        assert self._exam is not None
        with torch.no_grad():
            return [
                torch.cat([one.answer(one.of_frames(part)).cpu() for part in self._parts()])
                for one in self._teachers
            ]

    def _parts(self) -> tuple[Tensor, ...]:
        assert self._exam is not None
        return self._exam.images.split(_AT_ONCE)  # type: ignore[no-untyped-call, no-any-return]

    @cached_property
    def _truth(self) -> Tensor | None:
        """The truth in places of the head's labels; -1 for labels that it lacks.

        Labels of whole images say nothing of pixels.
        """
        assert self._exam is not None
        truth, names = self._exam.truth, self._exam.labels
        if truth is None or (self._task is TaskKind.SEGMENTATION and truth.ndim == 1):
            return None
        known = {name: place for place, name in enumerate(self._head.labels)}
        places = torch.tensor([known.get(name, UNKNOWN) for name in names] + [UNKNOWN])
        if self._task is not TaskKind.MULTI_LABEL:
            return places[truth]
        if truth.ndim == 1:
            return _one_hot(places[truth], len(self._head.labels))
        found = torch.full((len(truth), len(self._head.labels)), UNKNOWN)
        for column, place in enumerate(places[:-1].tolist()):
            if place >= 0:
                found[:, place] = truth[:, column]
        return found

    def _said_by(self, student: nn.Module, spec: InputSpec) -> Tensor:
        device = next(student.parameters()).device
        form = Preprocessing.of(spec)
        with torch.no_grad(), evaluating(student) as network:
            parts = [network(to_network_input(one, form).to(device)) for one in self._parts()]
        return torch.cat([one.float().cpu() for one in parts])

    def _against_truth(self, said: Tensor) -> Numbers:
        if self._truth is None:
            return {}
        found = {self._name: self._measure(said, self._truth)}
        if len(self._teachers) > 1:
            for number, value in enumerate(self._tasks(said), start=1):
                found[f"task_{number}_{self._name}"] = value
        return {name: value for name, value in found.items() if value is not None}

    def _tasks(self, said: Tensor) -> list[float | None]:
        """The measure on each teacher's labels alone."""
        assert self._truth is not None
        found = []
        for number in range(len(self._teachers)):
            places = self._head.places_of(number)
            found.append(self._measure(said[:, places], _within(self._truth, places, self._task)))
        return found

    def _against_teachers(self, said: Tensor) -> Numbers:
        found = {}
        for number, told in enumerate(self._told):
            places, columns = self._head.places_of(number), self._head.columns_of(number)
            mine = self._owned(places)
            name = "agreement" if len(self._teachers) == 1 else f"agreement_{number + 1}"
            if mine.any():
                same = decisions(said[:, places], self._task) == decisions(
                    told[:, columns], self._task
                )
                found[name] = float(same[mine].float().mean())
        return found

    def _owned(self, places: Tensor) -> Tensor:
        """Images whose label the teacher knows; all of them where labels do not tell."""
        everything = torch.ones(len(self._told[0]), dtype=torch.bool)
        if len(self._teachers) == 1 or self._truth is None or self._truth.ndim > 1:
            return everything
        return torch.isin(self._truth, places)


def _one_hot(places: Tensor, labels: int) -> Tensor:
    found = torch.zeros(len(places), labels, dtype=torch.int64)
    known = places >= 0
    found[known, places[known]] = 1
    found[~known] = UNKNOWN
    return found


def _within(truth: Tensor, places: Tensor, task: TaskKind) -> Tensor:
    """The truth in places of these labels alone; -1 elsewhere."""
    if task is TaskKind.MULTI_LABEL:
        return truth[:, places]
    longest = max(int(truth.max()), int(places.max())) + 1
    table = torch.full((longest + 1,), UNKNOWN)
    table[places] = torch.arange(len(places))
    return table[truth]


def decisions(logits: Float[Tensor, "image label *place"], task: TaskKind) -> Tensor:
    """The chosen label of every image or pixel, or for every label whether it is there."""
    return logits > 0 if task is TaskKind.MULTI_LABEL else logits.argmax(dim=1)


def accuracy(logits: Tensor, truth: Tensor) -> float | None:
    """Share of images with a known label whose largest logit is that label's."""
    known = truth >= 0
    if not known.any():
        return None
    return float((logits[known].argmax(dim=1) == truth[known]).float().mean())


def mean_iou(logits: Tensor, truth: Tensor) -> float | None:
    """Intersection over union of every label that occurs in truth or answer, averaged.

    Answers of another size than the truth are resized to it.
    """
    if logits.shape[-2:] != truth.shape[-2:]:
        logits = nn.functional.interpolate(
            logits, size=truth.shape[-2:], mode="bilinear", align_corners=False
        )
    known, chosen = truth >= 0, logits.argmax(dim=1)
    shares = []
    for label in range(logits.shape[1]):
        here, there = (chosen == label) & known, truth == label
        union = (here | there).sum()
        if union > 0:
            shares.append(float((here & there).sum() / union))
    return sum(shares) / len(shares) if shares else None


def mean_average_precision(logits: Tensor, truth: Tensor) -> float | None:
    """Average precision of every label with a positive image, averaged over labels."""
    found = [
        average_precision(logits[truth[:, label] >= 0, label], truth[truth[:, label] >= 0, label])
        for label in range(logits.shape[1])
        if (truth[:, label] == 1).any()
    ]
    return sum(found) / len(found) if found else None


def average_precision(scores: Float[Tensor, " image"], hits: Int64[Tensor, " image"]) -> float:
    """Mean precision at the ranks of the positive images, equal scores in their order."""
    ordered = hits[scores.argsort(descending=True, stable=True)].double()
    precision = ordered.cumsum(0) / torch.arange(1, len(ordered) + 1)
    return float((precision * ordered).sum() / ordered.sum())


_MEASURES: dict[TaskKind, Callable[[Tensor, Tensor], float | None]] = {
    TaskKind.CLASSIFICATION: accuracy,
    TaskKind.MULTI_LABEL: mean_average_precision,
    TaskKind.SEGMENTATION: mean_iou,
}
