"""Distance of images from the batch statistics that a network keeps of its training set.

Source: Yin et al. 2020 (DeepInversion), arXiv 1912.08795: the distance of means and variances at
the input of every batch normalization.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import torch
from jaxtyping import Float
from torch import Tensor

from service.core.errors import MethodError
from workers.programs import OUTPUT, Program


class TeacherWithoutBatchNormError(MethodError):
    """A method needs batch statistics, but the network keeps none."""

    code = "teacher_without_batch_norm"


class Over(StrEnum):
    """How the distances of all layers are reduced to one number."""

    SUM = "sum"
    MEAN = "mean"


@dataclass(frozen=True)
class LayerStatistics:
    """Batch statistics at the input of one batch normalization, beside the running ones.

    Attributes:
        mean: Batch mean, differentiable in the images.
        variance: Batch variance (biased), differentiable in the images.
        running_mean: Mean that the network keeps from training.
        running_variance: Variance that the network keeps from training.
    """

    mean: Float[Tensor, " channel"]
    variance: Float[Tensor, " channel"]
    running_mean: Float[Tensor, " channel"]
    running_variance: Float[Tensor, " channel"]

    @property
    def distance(self) -> Float[Tensor, ""]:
        """Euclidean distance of the means plus that of the variances."""
        means, variances = self.mean - self.running_mean, self.variance - self.running_variance
        apart: Tensor = torch.linalg.vector_norm(means) + torch.linalg.vector_norm(variances)
        return apart

    def blended(self, mean: Tensor, variance: Tensor, *, share: float) -> "LayerStatistics":
        """Interpolation toward ``mean`` and ``variance`` by ``share``; those get no gradient."""
        return LayerStatistics(
            torch.lerp(self.mean, mean, share),
            torch.lerp(self.variance, variance, share),
            self.running_mean,
            self.running_variance,
        )


def require_batch_norm(program: Program, name: str) -> None:
    """Checks that the network has batch normalization.

    Raises:
        TeacherWithoutBatchNormError: The network has none.
    """
    if not program.batch_norms:
        raise TeacherWithoutBatchNormError(
            f"{name} has no batch normalization whose statistics images could be compared with",
            remedy="set the weight of batch statistics to 0, or choose another teacher",
        )


def logits_and_statistics(
    program: Program, images: Float[Tensor, "image channel row column"]
) -> tuple[Tensor, tuple[LayerStatistics, ...]]:
    """Logits and the statistics of every batch normalization, from one forward pass."""
    values, statistics = values_and_statistics(program, images, [OUTPUT])
    return values[OUTPUT], statistics


def values_and_statistics(
    program: Program, images: Float[Tensor, "image channel row column"], names: Sequence[str]
) -> tuple[dict[str, Tensor], tuple[LayerStatistics, ...]]:
    """Outputs of ``names`` and the statistics of every batch normalization, from one pass."""
    layers = program.batch_norms
    slots = {name: program.slot_of(name) for name in names}
    values = program.values(
        images, tuple(dict.fromkeys([*slots.values(), *(layer.slot for layer in layers)]))
    )
    statistics = []
    for layer in layers:
        layer_input = values[layer.slot].float()
        reduced_axes = [axis for axis in range(layer_input.ndim) if axis != 1]
        variance, mean = torch.var_mean(layer_input, dim=reduced_axes, correction=0)
        statistics.append(LayerStatistics(mean, variance, layer.mean, layer.variance))
    return {name: values[slot] for name, slot in slots.items()}, tuple(statistics)


def batch_norm_distance(layers: Sequence[LayerStatistics], *, over: Over) -> Float[Tensor, ""]:
    """Distance of the images' statistics from the running ones, 0 where all are equal."""
    distances = torch.stack([layer.distance for layer in layers])
    return distances.sum() if over is Over.SUM else distances.mean()
