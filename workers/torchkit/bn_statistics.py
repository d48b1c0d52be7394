"""How far images are from the batch statistics that a network remembers of its training.

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
    """Batch statistics are asked of a network that keeps none."""

    code = "teacher_without_batch_norm"


class Over(StrEnum):
    """How the distances of all layers become one number."""

    SUM = "sum"
    MEAN = "mean"


@dataclass(frozen=True)
class LayerStatistics:
    """What enters one batch normalization, and what entered it in training.

    Attributes:
        mean: Of the batch, with gradients to the images.
        variance: The same; the biased one.
        told_mean: Remembered by the network.
        told_variance: The same.
    """

    mean: Float[Tensor, " channel"]
    variance: Float[Tensor, " channel"]
    told_mean: Float[Tensor, " channel"]
    told_variance: Float[Tensor, " channel"]

    @property
    def distance(self) -> Float[Tensor, ""]:
        """Euclidean distance of the means plus that of the variances."""
        means, variances = self.mean - self.told_mean, self.variance - self.told_variance
        apart: Tensor = torch.linalg.vector_norm(means) + torch.linalg.vector_norm(variances)
        return apart

    def blended(self, mean: Tensor, variance: Tensor, *, share: float) -> "LayerStatistics":
        """The same with this share of earlier statistics, which get no gradient."""
        return LayerStatistics(
            torch.lerp(self.mean, mean, share),
            torch.lerp(self.variance, variance, share),
            self.told_mean,
            self.told_variance,
        )


def require_batch_norm(program: Program, name: str) -> None:
    """Nothing, for a network with batch normalization.

    Raises:
        TeacherWithoutBatchNormError: It has none.
    """
    if not program.batch_norms:
        raise TeacherWithoutBatchNormError(
            f"{name} has no batch normalization whose statistics images could be compared with",
            remedy="set the weight of batch statistics to 0, or choose another teacher",
        )


def answers_and_statistics(
    program: Program, images: Float[Tensor, "image channel row column"]
) -> tuple[Tensor, tuple[LayerStatistics, ...]]:
    """Logits, and the statistics of every batch normalization, from one forward pass."""
    values, found = values_and_statistics(program, images, [OUTPUT])
    return values[OUTPUT], found


def values_and_statistics(
    program: Program, images: Float[Tensor, "image channel row column"], names: Sequence[str]
) -> tuple[dict[str, Tensor], tuple[LayerStatistics, ...]]:
    """Outputs of these layers, and the statistics of every batch normalization, from one pass."""
    layers = program.batch_norms
    slots = {name: program.slot_of(name) for name in names}
    values = program.values(
        images, tuple(dict.fromkeys([*slots.values(), *(one.slot for one in layers)]))
    )
    found = []
    for one in layers:
        entered = values[one.slot].float()
        over = [axis for axis in range(entered.ndim) if axis != 1]
        variance, mean = torch.var_mean(entered, dim=over, correction=0)
        found.append(LayerStatistics(mean, variance, one.mean, one.variance))
    return {name: values[slot] for name, slot in slots.items()}, tuple(found)


def batch_norm_distance(layers: Sequence[LayerStatistics], *, over: Over) -> Float[Tensor, ""]:
    """Distance of the images' statistics from the remembered ones, 0 where all are equal."""
    distances = torch.stack([one.distance for one in layers])
    return distances.sum() if over is Over.SUM else distances.mean()
