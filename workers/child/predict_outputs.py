"""A network's output as likely classes, a picture or an array."""

import io

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from service.core.errors import InvalidRequestError
from service.core.manifest import TaskKind
from service.core.output_scales import OutputScale
from service.core.predict_messages import ClassProbability, ErrorDetails, OutputKind
from workers.programs.outputs import class_probabilities
from workers.torchkit.drawing.rendering import png

_FLAT, _DENSE = 2, 4
_RGB = 3
_NOT_CLASSES = (TaskKind.REGRESSION, TaskKind.EMBEDDING)


class OutputNotPossibleError(InvalidRequestError):
    """The shape of the network's output does not suit the requested kind."""

    code = "output_not_supported"


def squeezed(output: Tensor) -> Tensor:
    """The output without trailing axes of length one: (n, D, 1, 1) is (n, D)."""
    while output.ndim > _FLAT and output.shape[-1] == 1:
        output = output.squeeze(-1)
    return output


def kind_of(output: Tensor, task: str) -> OutputKind:
    """The kind that suits an output when the request leaves it open."""
    if output.ndim == _FLAT and task not in _NOT_CLASSES:
        return OutputKind.CLASSES
    return OutputKind.IMAGE if output.ndim == _DENSE else OutputKind.FEATURES


def likely_classes(
    scores: Float[Tensor, "image class"],
    *,
    task: str,
    top_k: int,
    scale: OutputScale | None = None,
) -> list[list[ClassProbability]]:
    """Index and probability of the likeliest classes of each image.

    Args:
        scale: What the scores are; None measures it on them.

    Raises:
        OutputNotPossibleError: The output is not one row of scores per image.
    """
    if scores.ndim != _FLAT:
        raise OutputNotPossibleError(
            f"an output of shape {tuple(scores.shape[1:])} has no classes",
            remedy="request output `image` or `features`",
        )
    likely = class_probabilities(scores.double(), task=task, scale=scale)
    values, indices = likely.topk(min(top_k, scores.shape[1]))
    return [
        [ClassProbability(index=i, probability=p) for i, p in zip(row, chances, strict=True)]
        for row, chances in zip(indices.tolist(), values.tolist(), strict=True)
    ]


def _within_one(scores: Tensor) -> bool:
    return bool((scores >= 0).all() and (scores <= 1).all())


def pictures(output: Tensor) -> tuple[bytes, ...]:
    """A PNG for each image of a dense output (image, plane, row, column).

    One plane becomes gray and three become RGB: unchanged when all values lie in [0, 1], else
    stretched between the minimum and maximum of the image. Any other number of planes is read as
    scores of labels, and each pixel gets the color of its best label.

    Raises:
        OutputNotPossibleError: The output is not dense.
    """
    if output.ndim != _DENSE:
        raise OutputNotPossibleError(
            f"an output of shape {tuple(output.shape[1:])} is not a picture",
            remedy="request output `classes` or `features`",
        )
    return tuple(png(_picture(planes)) for planes in output)


def _picture(planes: Float[Tensor, "plane row column"]) -> UInt8[Tensor, "row column 3"]:
    if len(planes) not in (1, _RGB):
        return colors_of_labels(planes.shape[0])[planes.argmax(0)]
    values = planes if _within_one(planes) else stretched(planes)
    pixels = (values * 255).round().to(torch.uint8).expand(_RGB, -1, -1)
    return pixels.permute(1, 2, 0).contiguous()


def stretched(planes: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """Values scaled linearly to [0, 1]; zero if all are equal."""
    low, high = planes.min(), planes.max()
    return (planes - low) / (high - low) if high > low else torch.zeros_like(planes)


def colors_of_labels(count: int) -> UInt8[Tensor, "label 3"]:
    """A color for each label: the bits of its index spread over red, green and blue.

    This is the widely used palette of the Pascal VOC segmentation masks; label 0 is black.
    """
    palette = torch.zeros(count, 3, dtype=torch.int64)
    for label in range(count):
        for bit in range(8):
            for plane in range(3):
                palette[label, plane] |= ((label >> (3 * bit + plane)) & 1) << (7 - bit)
    return palette.to(torch.uint8)


def array_file(values: Tensor) -> bytes:
    """The values as an npy file, float32 unless they are integers."""
    buffer = io.BytesIO()
    array = values.float() if values.is_floating_point() else values
    np.save(buffer, array.cpu().numpy(), allow_pickle=False)
    return buffer.getvalue()


def error_details(error: InvalidRequestError, pointer: str) -> ErrorDetails:
    """An error of the client as a response carries it."""
    return {
        "code": error.code,
        "detail": error.detail,
        "remedy": error.remedy,
        "pointer": pointer,
    }
