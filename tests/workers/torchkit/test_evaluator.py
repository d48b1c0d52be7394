"""Grades are what plain loops and scikit-learn count; labels meet by their names."""

import pytest
import torch
from sklearn.metrics import average_precision_score
from torch import nn

from service.core.manifest import InputSpec, TaskKind
from workers.torchkit.training.evaluator import (
    EvaluationSet,
    Evaluator,
    accuracy,
    mean_average_precision,
    mean_iou,
)
from workers.torchkit.training.teachers import Head

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


def test_labels_of_evaluation_set_and_student_meet_by_name() -> None:
    evaluation_set = evaluation_set_of([2, 0, 1, 3], ("green", "blue", "red", "purple"))
    judge = Evaluator(
        evaluation_set, (), Head(("red", "green", "blue"), ()), TaskKind.CLASSIFICATION
    )

    found = judge.grade(Colors(), SPEC)

    assert found == {"accuracy": 1.0}
    assert judge.references() == {"chance": pytest.approx(1 / 3)}


def test_without_evaluation_set_nothing_is_known() -> None:
    judge = Evaluator(None, (), Head(("red",), ()), TaskKind.CLASSIFICATION)

    assert (judge.grade(Colors(), SPEC), judge.references()) == ({}, {})


class Pixels(nn.Module):
    """Says how red, green and blue every pixel is."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """The image itself."""
        return images * self.scale


def test_labels_of_whole_images_grade_no_answers_for_pixels() -> None:
    evaluation_set = evaluation_set_of([0, 1, 2], ("red", "green", "blue"))
    judge = Evaluator(
        evaluation_set, (), Head(("red", "green", "blue"), ()), TaskKind.SEGMENTATION
    )

    assert (judge.grade(Pixels(), SPEC), judge.references()) == ({}, {})


def test_accuracy_leaves_out_what_has_no_label() -> None:
    logits = torch.tensor([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]])

    assert accuracy(logits, torch.tensor([0, 1, -1])) == 0.5
    assert accuracy(logits, torch.full((3,), -1)) is None


def test_average_precision_is_scikit_learns() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(60, 4, generator=generator)
    truth = (torch.rand(60, 4, generator=generator) < 0.3).long()

    found = mean_average_precision(logits, truth)

    expected = average_precision_score(truth.numpy(), logits.numpy(), average="macro")
    assert found == pytest.approx(expected)


def test_intersection_over_union_is_counted_pixel_by_pixel() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(3, 4, 5, 6, generator=generator)
    truth = torch.randint(-1, 3, (3, 5, 6), generator=generator)

    found = mean_iou(logits, truth)

    here, union = [0] * 4, [0] * 4
    for image in range(3):
        for row in range(5):
            for column in range(6):
                true = int(truth[image, row, column])
                predicted = int(logits[image, :, row, column].argmax())
                if true < 0:
                    continue
                here[true] += predicted == true
                for label in {true, predicted}:
                    union[label] += 1
    shares = [h / u for h, u in zip(here, union, strict=True) if u]
    assert found == pytest.approx(sum(shares) / len(shares))
