"""What a network's output becomes: likely classes, a picture, or an array."""

import io

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from service.core.errors import InvalidRequestError
from service.core.manifest import TaskKind
from service.core.predict_messages import OutputKind
from workers.torchkit.drawing.rendering import png

_FLAT, _DENSE = 2, 4
_SUM_TOLERANCE = 1e-3
_COLOURED = 3
_NOT_CLASSES = (TaskKind.REGRESSION, TaskKind.EMBEDDING)


class OutputNotPossibleError(InvalidRequestError):
    """The network's answer has another shape than the wish needs."""

    code = "output_not_supported"


def squeezed(output: Tensor) -> Tensor:
    """The output without trailing axes of length one: (n, D, 1, 1) is (n, D)."""
    while output.ndim > _FLAT and output.shape[-1] == 1:
        output = output.squeeze(-1)
    return output


def kind_of(output: Tensor, task: str) -> OutputKind:
    """What suits an output when nothing is asked for."""
    if output.ndim == _FLAT and task not in _NOT_CLASSES:
        return OutputKind.CLASSES
    return OutputKind.IMAGE if output.ndim == _DENSE else OutputKind.FEATURES


def likely_classes(
    scores: Float[Tensor, "image class"], *, task: str, top_k: int
) -> list[list[dict[str, float]]]:
    """Index and probability of the likeliest classes of each image.

    Softmax over the classes; for networks with several labels a sigmoid for each. Scores that are
    probabilities already stay as they are.

    Raises:
        OutputNotPossibleError: The output is not one row of scores per image.
    """
    if scores.ndim != _FLAT:
        raise OutputNotPossibleError(
            f"an output of shape {tuple(scores.shape[1:])} has no classes",
            remedy="ask for output `image`, or for features",
        )
    chances, order = probabilities(scores.double(), task=task).topk(min(top_k, scores.shape[1]))
    return [
        [{"index": i, "probability": p} for i, p in zip(row, values, strict=True)]
        for row, values in zip(order.tolist(), chances.tolist(), strict=True)
    ]


def probabilities(
    scores: Float[Tensor, "image class"], *, task: str
) -> Float[Tensor, "image class"]:
    """Scores as probabilities in [0, 1]."""
    if task == TaskKind.MULTI_LABEL:
        return scores if _within_one(scores) else scores.sigmoid()
    sums_to_one = ((scores.sum(1) - 1).abs() < _SUM_TOLERANCE).all()
    return scores if _within_one(scores) and sums_to_one else scores.softmax(1)


def _within_one(scores: Tensor) -> bool:
    return bool((scores >= 0).all() and (scores <= 1).all())


def pictures(output: Tensor) -> tuple[bytes, ...]:
    """A PNG for each image of a dense output (image, plane, row, column).

    One plane becomes grey and three become RGB: as they are when all values lie in [0, 1], else
    stretched between the least and the greatest of the image. Any other number of planes is read
    as scores of labels, and the winning label gets its colour.

    Raises:
        OutputNotPossibleError: The output is not dense.
    """
    if output.ndim != _DENSE:
        raise OutputNotPossibleError(
            f"an output of shape {tuple(output.shape[1:])} is not a picture",
            remedy="ask for output `classes`, or for features",
        )
    return tuple(png(_picture(one)) for one in output)


def _picture(planes: Float[Tensor, "plane row column"]) -> UInt8[Tensor, "row column 3"]:
    if len(planes) not in (1, _COLOURED):
        return colors_of_labels(planes.shape[0])[planes.argmax(0)]
    values = planes if _within_one(planes) else stretched(planes)
    shown = (values * 255).round().to(torch.uint8).expand(_COLOURED, -1, -1)
    return shown.permute(1, 2, 0).contiguous()


def stretched(planes: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """Values laid linearly on [0, 1]; zero where all are equal."""
    low, high = planes.min(), planes.max()
    return (planes - low) / (high - low) if high > low else torch.zeros_like(planes)


def colors_of_labels(count: int) -> UInt8[Tensor, "label 3"]:
    """A colour for each label: the bits of its number spread over red, green and blue.

    The widely used palette of the Pascal VOC segmentation masks; label 0 is black.
    """
    palette = torch.zeros(count, 3, dtype=torch.int64)
    for label in range(count):
        for bit in range(8):
            for plane in range(3):
                palette[label, plane] |= ((label >> (3 * bit + plane)) & 1) << (7 - bit)
    return palette.to(torch.uint8)


def array_file(values: Tensor) -> bytes:
    """The values as an npy file, float32 unless they are whole numbers."""
    buffer = io.BytesIO()
    found = values.float() if values.is_floating_point() else values
    np.save(buffer, found.cpu().numpy(), allow_pickle=False)
    return buffer.getvalue()


def told(error: InvalidRequestError, pointer: str) -> dict[str, str | None]:
    """An error of the asker's as the answer carries it."""
    return {
        "code": error.code,
        "detail": error.detail,
        "remedy": error.remedy,
        "pointer": pointer,
    }
