"""What is measured of outputs against the truth, also of resampled images.

Axes: ``image``; ``label``; ``replicate`` one resampled set, given by how often it has each image.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from service.core.manifest import TaskKind

_AT_ONCE = 100
UNKNOWN = -1

Counts = Float[Tensor, "replicate image"]
Values = Float[Tensor, " replicate"]


def one_hot(labels_of_images: Tensor, count: int) -> Tensor:
    """1 in the column of every image's label, else 0 (image, label); -1 for images without one."""
    marks = torch.zeros(len(labels_of_images), count, dtype=torch.int64)
    labeled = labels_of_images >= 0
    marks[labeled, labels_of_images[labeled]] = 1
    marks[~labeled] = UNKNOWN
    return marks


def within(truth: Tensor, label_indices: Tensor, task: TaskKind) -> Tensor:
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


def label_accuracy(logits: Tensor, truth: Tensor) -> float | None:
    """Share of right decisions whether an image has a label, over all known ones; None without any."""
    known_labels = truth >= 0
    if not known_labels.any():
        return None
    return float(((logits > 0) == (truth == 1))[known_labels].double().mean())


def mean_iou(logits: Tensor, truth: Tensor) -> float | None:
    """Mean intersection over union of the labels that occur in truth or prediction.

    Logits of another size than the truth are resized to it.
    """
    intersections, unions = (part.sum(dim=0) for part in _overlaps(logits, truth))
    occurs = unions > 0
    return float((intersections[occurs] / unions[occurs]).mean()) if occurs.any() else None


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


def resampled_accuracy(logits: Tensor, truth: Tensor, counts: Counts) -> Values:
    """Accuracy of every replicate."""
    return _share(logits.argmax(dim=1) == truth, truth >= 0, counts)


def resampled_label_accuracy(logits: Tensor, truth: Tensor, counts: Counts) -> Values:
    """Label accuracy of every replicate."""
    return _share((logits > 0) == (truth == 1), truth >= 0, counts)


def _share(right: Tensor, counted: Tensor, counts: Counts) -> Values:
    right, counted = (
        part.double().reshape(len(part), -1).sum(dim=1) for part in (right & counted, counted)
    )
    wide = counts.double()
    return (wide @ right) / (wide @ counted)


def resampled_mean_iou(logits: Tensor, truth: Tensor, counts: Counts) -> Values:
    """Mean intersection over union of every replicate."""
    intersections, unions = (counts.double() @ part for part in _overlaps(logits, truth))
    return (intersections / unions).nanmean(dim=1)


def resampled_mean_average_precision(logits: Tensor, truth: Tensor, counts: Counts) -> Values:
    """Mean average precision of every replicate, over the labels of which it has a positive image."""
    parts = counts.split(_AT_ONCE)  # type: ignore[no-untyped-call]
    return torch.cat([_resampled_precision(logits, truth, part) for part in parts])


def _resampled_precision(logits: Tensor, truth: Tensor, counts: Counts) -> Values:
    precisions = []
    for label in range(logits.shape[1]):
        judged = truth[:, label] >= 0
        order = logits[judged, label].argsort(descending=True, stable=True)
        weights = counts[:, judged][:, order].double()
        positive = weights * truth[judged, label][order].double()
        precision = positive.cumsum(dim=1) / weights.cumsum(dim=1).clamp_min(1)
        precisions.append((positive * precision).sum(dim=1) / positive.sum(dim=1))
    return torch.stack(precisions, dim=1).nanmean(dim=1)


def _overlaps(logits: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """Pixels in intersection and union of truth and prediction (image, label), as float64."""
    if logits.shape[-2:] != truth.shape[-2:]:
        logits = nn.functional.interpolate(
            logits, size=truth.shape[-2:], mode="bilinear", align_corners=False
        )
    labeled, chosen = truth >= 0, logits.argmax(dim=1)
    intersections, unions = [], []
    for label in range(logits.shape[1]):
        predicted_here, true_here = (chosen == label) & labeled, truth == label
        intersections.append((predicted_here & true_here).sum(dim=(1, 2)).double())
        unions.append((predicted_here | true_here).sum(dim=(1, 2)).double())
    return torch.stack(intersections, dim=1), torch.stack(unions, dim=1)


def chance_accuracy(truth: Tensor) -> float | None:
    """Share of the most common label; None without labels."""
    labeled = truth[truth >= 0]
    return float(labeled.bincount().max() / len(labeled)) if len(labeled) else None


def chance_label_accuracy(truth: Tensor) -> float | None:
    """Label accuracy of the more common decision for every label, whatever the image."""
    counted, positive = (truth >= 0).sum(dim=0), (truth == 1).sum(dim=0)
    if not counted.any():
        return None
    return float(torch.maximum(positive, counted - positive).sum() / counted.sum())


def chance_mean_average_precision(truth: Tensor) -> float | None:
    """Mean share of images that have a label: what scores in random order reach on average."""
    counted, positive = (truth >= 0).sum(dim=0), (truth == 1).sum(dim=0)
    occurs = positive > 0
    return float((positive[occurs] / counted[occurs]).mean()) if occurs.any() else None


def chance_mean_iou(truth: Tensor) -> float | None:
    """Mean intersection over union of the most common label on every pixel."""
    share = chance_accuracy(truth)
    labels = truth[truth >= 0].unique()  # type: ignore[no-untyped-call]
    return None if share is None else share / len(labels)


@dataclass(frozen=True)
class TaskMeasure:
    """A measure of outputs (image, label, …) against the truth.

    Attributes:
        value: The measure; None where the truth says nothing.
        resampled: The measure of every replicate.
        chance: What an answer that looks at no image reaches.
    """

    name: str
    value: Callable[[Tensor, Tensor], float | None]
    resampled: Callable[[Tensor, Tensor, Tensor], Tensor]
    chance: Callable[[Tensor], float | None]


_ACCURACY = TaskMeasure("accuracy", accuracy, resampled_accuracy, chance_accuracy)
_PRECISION = TaskMeasure(
    "mean_average_precision",
    mean_average_precision,
    resampled_mean_average_precision,
    chance_mean_average_precision,
)
_LABELS = TaskMeasure(
    "label_accuracy", label_accuracy, resampled_label_accuracy, chance_label_accuracy
)
_IOU = TaskMeasure("mean_iou", mean_iou, resampled_mean_iou, chance_mean_iou)

# The measures of every kind of task, the main one first.
MEASURES: dict[TaskKind, tuple[TaskMeasure, ...]] = {
    TaskKind.CLASSIFICATION: (_ACCURACY,),
    TaskKind.MULTI_LABEL: (_PRECISION, _LABELS),
    TaskKind.SEGMENTATION: (_IOU,),
}
MEASURE_NAMES = tuple(measure.name for measures in MEASURES.values() for measure in measures)
