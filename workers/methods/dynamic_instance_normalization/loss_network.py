"""The loss network: maps of some layers of a frozen network, all of the same weight."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from service.core.catalog.dynamic_instance_normalization import (
    FEWEST_LAYERS,
    DynamicInstanceNormalizationParams,
    default_layers,
)
from service.core.counts import counted
from service.core.errors import MethodError
from service.core.manifest import ChannelOrder, InputSpec
from workers.programs import ProgramFailedError
from workers.programs.trainable import FrozenLayers
from workers.torchkit.training.teachers import Teacher
from workers.torchkit.training.transfers import require_free_batch

_COLORS, _SPATIAL = 3, 4
_SAMPLES = 64


class UnfitLossNetworkError(MethodError):
    """The network cannot measure style and content."""

    code = "unfit_loss_network"


@dataclass(frozen=True)
class LossLayers:
    """The chosen layers, and the index of the one that compares contents."""

    names: tuple[str, ...]
    content: int

    @property
    def styles(self) -> list[int]:
        """Indices of the layers that describe a style."""
        return sorted({max(0, self.content - 1), self.content})


def chosen_layers(teacher: Teacher, params: DynamicInstanceNormalizationParams) -> LossLayers:
    """The layers that the parameters name, or the defaults. Raises UnfitLossNetworkError."""
    program = teacher.program
    shapes = [(layer.name, layer.shape) for layer in program.layers]
    names = list(params.layers or default_layers(shapes, program.input_shape[1]))
    if len(names) < FEWEST_LAYERS:
        raise UnfitLossNetworkError(
            f"{teacher.name} has {counted(len(names), 'layer')} to compare pictures with",
            remedy="choose a convolutional network, or name two of its layers",
        )
    content = params.content_layer or names[len(names) // 2]
    if content not in names:
        raise UnfitLossNetworkError(
            f"{content} is none of the layers {', '.join(names)}",
            remedy="choose content_layer among layers",
        )
    return LossLayers(tuple(names), names.index(content))


class NetworkInput(nn.Module):
    """Colors in [0, 1] to the input of a network, at any size."""

    scale: Tensor
    shift: Tensor

    def __init__(self, spec: InputSpec) -> None:
        super().__init__()
        low, high = spec.range
        self._swaps = spec.channel_order is ChannelOrder.BGR
        scale = [(high - low) / deviation for deviation in spec.std]
        shift = [
            (low - mean) / deviation for mean, deviation in zip(spec.mean, spec.std, strict=True)
        ]
        self.register_buffer("scale", torch.tensor(scale).view(1, -1, 1, 1))
        self.register_buffer("shift", torch.tensor(shift).view(1, -1, 1, 1))

    def forward(self, pictures: Tensor) -> Tensor:
        """The input."""
        colors = pictures.flip(1) if self._swaps else pictures
        return colors * self.scale + self.shift


class LossNetwork(nn.Module):
    """Maps of the chosen layers, each divided by its root mean square over sample styles.

    Attributes:
        map_shapes: Channels, rows and columns of every layer's maps at the size of the samples.

    Raises:
        UnfitLossNetworkError: The network has no colors, or its layers no rows and columns at the
            size of the samples.
    """

    def __init__(
        self, teacher: Teacher, layers: LossLayers, samples: Float[Tensor, "image 3 row column"]
    ) -> None:
        super().__init__()
        require_free_batch(teacher.program)
        if teacher.input.channels != _COLORS:
            raise UnfitLossNetworkError(
                f"{teacher.name} sees no colors", remedy="choose a network with three channels"
            )
        self.layers = layers
        self.input = NetworkInput(teacher.input)
        self.body = FrozenLayers(teacher.program, layers.names)
        self.to(teacher.program.device)
        self.scales = [1.0] * len(layers.names)
        sample_maps = self._checked(teacher, samples[:_SAMPLES])
        self.map_shapes = [tuple(maps.shape[1:]) for maps in sample_maps]
        self.scales = [max(1e-6, float(maps.square().mean().sqrt())) for maps in sample_maps]
        self.requires_grad_(requires_grad=False)

    def forward(self, pictures: Float[Tensor, "image 3 row column"]) -> tuple[Tensor, ...]:
        """The maps of every layer."""
        maps = self.body(self.input(pictures))
        return tuple(part / scale for part, scale in zip(maps, self.scales, strict=True))

    def content(self, maps: Sequence[Tensor]) -> Tensor:
        """The maps that compare contents."""
        return maps[self.layers.content]

    def _checked(self, teacher: Teacher, samples: Tensor) -> tuple[Tensor, ...]:
        size = samples.shape[-1]
        try:
            with torch.no_grad():
                maps: tuple[Tensor, ...] = self(samples.to(teacher.program.device))
        except ProgramFailedError as error:
            raise UnfitLossNetworkError(
                f"{teacher.name} does not run on pictures of {size} pixels",
                remedy=f"set image_size to {teacher.input.height}, or choose another network",
            ) from error
        flat = [
            name
            for name, part in zip(self.layers.names, maps, strict=True)
            if part.ndim != _SPATIAL or min(part.shape[2:]) < FEWEST_LAYERS
        ]
        if flat:
            raise UnfitLossNetworkError(
                f"the layers {', '.join(flat)} have no rows and columns at {size} pixels",
                remedy="choose earlier layers, or a larger image_size",
            )
        return maps
