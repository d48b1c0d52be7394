"""Labels meet by their names; every teacher is measured alone, and the student beside the best one."""

from pathlib import Path

import pytest
import torch
from torch import nn

from service.core.manifest import InputSpec, TaskKind
from workers.programs.exporting import export_network
from workers.torchkit.training.evaluator import EvaluationSet, Evaluator
from workers.torchkit.training.retention import retention
from workers.torchkit.training.teachers import Head, Teacher

SPEC = InputSpec(height=4, width=4, mean=(0.0,) * 3, std=(1.0,) * 3)


class Colors(nn.Module):
    """Says how red, green and blue an image is."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Mean of every channel."""
        return images.mean(dim=(2, 3)) * self.scale


def evaluation_set_of(labels: list[int], names: tuple[str, ...]) -> EvaluationSet:
    """Images of one color each: red, green, blue, then red again."""
    images = torch.zeros(len(labels), 4, 4, 3, dtype=torch.uint8)
    for index in range(len(labels)):
        images[index, ..., index % 3] = 255
    return EvaluationSet(images, torch.tensor(labels), names)


def test_labels_of_evaluation_set_and_student_match_by_name() -> None:
    evaluation_set = evaluation_set_of([2, 0, 1, 3], ("green", "blue", "red", "purple"))
    evaluator = Evaluator(
        evaluation_set, (), Head(("red", "green", "blue"), ()), TaskKind.CLASSIFICATION
    )

    quality = evaluator.evaluate(Colors(), SPEC)

    assert quality == {"accuracy": 1.0}
    assert evaluator.references() == {"chance": pytest.approx(1 / 3)}


def test_without_an_evaluation_set_there_are_no_scores() -> None:
    evaluator = Evaluator(None, (), Head(("red",), ()), TaskKind.CLASSIFICATION)

    assert (evaluator.evaluate(Colors(), SPEC), evaluator.references()) == ({}, {})


class PixelColors(nn.Module):
    """Says how red, green and blue every pixel is."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """The image itself."""
        return images * self.scale


def test_labels_of_whole_images_grade_no_answers_for_pixels() -> None:
    evaluation_set = evaluation_set_of([0, 1, 2], ("red", "green", "blue"))
    evaluator = Evaluator(
        evaluation_set, (), Head(("red", "green", "blue"), ()), TaskKind.SEGMENTATION
    )

    assert (evaluator.evaluate(PixelColors(), SPEC), evaluator.references()) == ({}, {})


class Saying(nn.Module):
    """Says the colors of an image, some of them wrongly: its ``weights`` mix them."""

    def __init__(self, weights: list[list[float]]) -> None:
        super().__init__()
        self.mix = nn.Linear(3, len(weights), bias=False)
        with torch.no_grad():
            self.mix.weight.copy_(torch.tensor(weights))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """One logit per row of the weights."""
        logits: torch.Tensor = self.mix(images.mean(dim=(2, 3)))
        return logits


RIGHT = [[9.0, 0.0, 0.0], [0.0, 9.0, 0.0], [0.0, 0.0, 9.0]]
# Takes blue for green.
HALF = [[9.0, 0.0, 0.0], [0.0, 9.0, 9.0], [0.0, 0.0, 8.0]]
NAMES = ("red", "green", "blue")


class Sayers:
    """Makes teachers that say what their weights say."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._count = folder, 0

    def __call__(
        self,
        weights: list[list[float]],
        classes: tuple[str, ...] = NAMES,
        task: TaskKind = TaskKind.CLASSIFICATION,
    ) -> Teacher:
        self._count += 1
        path = self._folder / f"{self._count}.pt2"
        program = export_network(Saying(weights).eval(), (3, 4, 4), path)
        return Teacher(str(path), "teacher", program, SPEC, task, classes)


@pytest.fixture
def saying(tmp_path: Path) -> Sayers:
    return Sayers(tmp_path)


def test_teachers_of_the_same_labels_are_measured_alone_and_the_best_is_named(
    saying: Sayers,
) -> None:
    teachers = (saying(HALF), saying(RIGHT))
    evaluation_set = evaluation_set_of([index % 3 for index in range(60)], NAMES)
    evaluator = Evaluator(evaluation_set, teachers, Head.of(teachers), TaskKind.CLASSIFICATION)

    numbers = evaluator.final(Colors(), SPEC)

    assert numbers["teacher_1_accuracy"] == pytest.approx(2 / 3)
    assert numbers["teacher_2_accuracy"] == 1.0
    assert (numbers["best_teacher"], numbers["best_teacher_accuracy"]) == (2.0, 1.0)
    assert numbers["lead_over_best_teacher_accuracy"] == 0.0
    assert numbers["lead_over_teacher_1_accuracy"] == pytest.approx(1 / 3)
    assert 0.2 < numbers["lead_over_teacher_1_accuracy_low"] < 1 / 3
    assert 1 / 3 < numbers["lead_over_teacher_1_accuracy_high"] < 0.5
    assert retention(numbers)["retention_1"] == pytest.approx(1.5)


def test_without_a_teacher_of_all_labels_none_is_the_best(saying: Sayers) -> None:
    blue = saying([[0.0, 0.0, 9.0], [0.0, 0.0, 0.0]], ("blue", "purple"))
    teachers = (saying(RIGHT[:2], NAMES[:2]), blue)
    evaluation_set = evaluation_set_of([0, 1, 2] * 4, NAMES)
    evaluator = Evaluator(evaluation_set, teachers, Head.of(teachers), TaskKind.CLASSIFICATION)

    references = evaluator.references()

    assert "best_teacher" not in references
    assert references["teacher_1_accuracy"] == 1.0


def test_a_merged_answer_does_not_depend_on_how_loud_a_teacher_is(saying: Sayers) -> None:
    evaluation_set = evaluation_set_of([0, 1, 2] * 4, NAMES)
    scores = []
    for gain in (1.0, 100.0):
        quiet = saying([[gain * weight for weight in row] for row in RIGHT])
        teachers = (quiet, saying(RIGHT))
        evaluator = Evaluator(evaluation_set, teachers, Head.of(teachers), TaskKind.CLASSIFICATION)
        scores.append(evaluator.references()["merged_accuracy"])

    assert scores == [1.0, 1.0]


def test_label_accuracy_stands_beside_average_precision(saying: Sayers) -> None:
    """The order of the scores is right, and every yes or no is wrong where nothing is above 0."""
    teachers = (
        saying([[9.0, 0.0, 0.0], [0.0, 9.0, 0.0]], ("red", "green"), TaskKind.MULTI_LABEL),
    )
    evaluation_set = evaluation_set_of([0, 1] * 10, ("red", "green"))
    images = evaluation_set.images.clone()
    images[0::2, ..., :], images[1::2, ..., :] = 0, 0
    images[0::2, ..., 0], images[1::2, ..., 1] = 255, 255
    evaluator = Evaluator(
        EvaluationSet(images, torch.tensor([[1, 0], [0, 1]] * 10), ("red", "green")),
        teachers,
        Head.of(teachers),
        TaskKind.MULTI_LABEL,
    )

    numbers = evaluator.final(Saying([[-1.0, -9.0, 0.0], [-9.0, -1.0, 0.0]]), SPEC)

    assert numbers["mean_average_precision"] == 1.0
    assert numbers["label_accuracy"] == 0.5
    assert numbers["teacher_label_accuracy"] == 1.0
    assert numbers["lead_over_teacher_label_accuracy"] == -0.5
    assert (numbers["chance"], numbers["chance_label_accuracy"]) == (0.5, 0.5)
    assert retention(numbers) == {"retention": 1.0, "retention_label_accuracy": 0.5}
