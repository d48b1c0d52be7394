"""Measures are what plain loops and scikit-learn count, also of resampled images."""

import pytest
import torch
from sklearn.metrics import average_precision_score
from torch import Tensor

from service.core.manifest import TaskKind
from workers.torchkit.training.leads import lead_over
from workers.torchkit.training.measures import (
    MEASURES,
    TaskMeasure,
    accuracy,
    label_accuracy,
    mean_average_precision,
    mean_iou,
)

ALL = [(task, measure) for task, measures in MEASURES.items() for measure in measures]
IDS = [measure.name for _, measure in ALL]


def drawn(task: TaskKind, *, seed: int = 0, images: int = 40) -> tuple[Tensor, Tensor]:
    """Logits, and a truth with unknown labels."""
    generator = torch.Generator().manual_seed(seed)
    if task is TaskKind.SEGMENTATION:
        logits = torch.randn(images, 3, 4, 5, generator=generator)
        return logits, torch.randint(-1, 3, (images, 4, 5), generator=generator)
    logits = torch.randn(images, 3, generator=generator)
    shape = (images, 3) if task is TaskKind.MULTI_LABEL else (images,)
    return logits, torch.randint(-1, 2, shape, generator=generator)


def test_accuracy_leaves_out_what_has_no_label() -> None:
    logits = torch.tensor([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]])

    assert accuracy(logits, torch.tensor([0, 1, -1])) == 0.5
    assert accuracy(logits, torch.full((3,), -1)) is None


def test_average_precision_is_scikit_learns() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(60, 4, generator=generator)
    truth = (torch.rand(60, 4, generator=generator) < 0.3).long()

    precision = mean_average_precision(logits, truth)

    expected = average_precision_score(truth.numpy(), logits.numpy(), average="macro")
    assert precision == pytest.approx(expected)


def test_intersection_over_union_is_counted_pixel_by_pixel() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(3, 4, 5, 6, generator=generator)
    truth = torch.randint(-1, 3, (3, 5, 6), generator=generator)

    iou = mean_iou(logits, truth)

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
    assert iou == pytest.approx(sum(shares) / len(shares))


def test_label_accuracy_is_counted_label_by_label() -> None:
    logits, truth = drawn(TaskKind.MULTI_LABEL)

    share = label_accuracy(logits, truth)

    right = [
        (logit > 0) == (label == 1)
        for row, labels in zip(logits.tolist(), truth.tolist(), strict=True)
        for logit, label in zip(row, labels, strict=True)
        if label >= 0
    ]
    assert share == pytest.approx(sum(right) / len(right))


@pytest.mark.parametrize(("task", "measure"), ALL, ids=IDS)
def test_a_replicate_that_has_every_image_once_has_the_measure_itself(
    task: TaskKind, measure: TaskMeasure
) -> None:
    logits, truth = drawn(task)

    values = measure.resampled(logits, truth, torch.ones(2, len(logits)))

    assert values.tolist() == pytest.approx([measure.value(logits, truth)] * 2)


@pytest.mark.parametrize(("task", "measure"), ALL, ids=IDS)
def test_a_replicate_has_the_measure_of_its_images(task: TaskKind, measure: TaskMeasure) -> None:
    """Without repetition, so that no order of equal scores matters."""
    logits, truth = drawn(task)
    counts = (torch.arange(len(logits)) % 3 > 0).float().unsqueeze(0)

    value = measure.resampled(logits, truth, counts)

    chosen = counts[0] > 0
    assert float(value) == pytest.approx(measure.value(logits[chosen], truth[chosen]))


@pytest.mark.parametrize(("task", "measure"), ALL, ids=IDS)
def test_a_network_has_no_lead_over_itself(task: TaskKind, measure: TaskMeasure) -> None:
    logits, truth = drawn(task)

    lead = lead_over(measure, logits, logits, truth)

    assert lead is not None
    assert (lead.value, lead.low, lead.high) == (0.0, 0.0, 0.0)


def test_an_interval_is_that_of_paired_differences() -> None:
    """Of 400 images, one network is right on 300 and the other on 220 of the same."""
    truth = torch.zeros(400, dtype=torch.int64)
    better, worse = (
        torch.stack([(torch.arange(400) < right).float(), torch.full((400,), 0.5)], dim=1)
        for right in (300, 220)
    )
    (measure,) = MEASURES[TaskKind.CLASSIFICATION]

    lead = lead_over(measure, better, worse, truth)

    assert lead is not None
    share = 80 / 400
    margin = 1.645 * (share * (1 - share) / 400) ** 0.5
    assert (lead.value, lead.low, lead.high) == (
        pytest.approx(share), pytest.approx(share - margin, abs=0.006),
        pytest.approx(share + margin, abs=0.006),
    )  # fmt: skip
