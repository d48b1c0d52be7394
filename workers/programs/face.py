"""What a program shows of itself: layers, batch normalizations, the shapes at both ends."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Layer:
    """A place where a network can be cut: its ``shape`` leaves the batch axis out."""

    name: str
    kind: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class BatchNorm:
    """A batch normalization: the ``slot`` of its input and the statistics it remembers."""

    slot: int
    mean: Tensor
    variance: Tensor


@dataclass(frozen=True)
class Face:
    """What a program shows to the outside.

    ``slots`` maps layer names to the slots that hold their outputs. ``batch_range`` is the least
    and greatest number of images of one forward pass.
    """

    layers: tuple[Layer, ...]
    slots: Mapping[str, int]
    feature_layer: str
    input_shape: tuple[int, ...]
    batch: int | None
    batch_range: tuple[int, int]
    output_shape: tuple[int, ...]
    flops: int
