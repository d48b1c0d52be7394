"""The public description of a program: layers, batch normalizations, input and output shapes."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from workers.programs.liveness import MemoryTrace


@dataclass(frozen=True)
class ProgramLayer:
    """A layer at which a network can be cut; ``shape`` excludes the batch axis."""

    name: str
    kind: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class BatchNorm:
    """A batch normalization: the ``slot`` of its input and its running statistics."""

    slot: int
    mean: Tensor
    variance: Tensor


@dataclass(frozen=True)
class ProgramOutput:
    """A tensor that the network returns: its name and its shape for one image.

    The name is that of the dictionary key or tuple field; otherwise it is the position, from 0.
    """

    name: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class ProgramInterface:
    """The public facts about a program.

    ``slots`` maps layer names to the slots that hold their outputs. ``batch_range`` is the least
    and greatest number of images of one forward pass. ``memory`` traces a pass. ``outputs`` are all
    tensors that the network returns, in order; ``output_shape`` is that of the first.
    """

    layers: tuple[ProgramLayer, ...]
    slots: Mapping[str, int]
    feature_layer: str
    input_shape: tuple[int, ...]
    batch: int | None
    batch_range: tuple[int, int]
    output_shape: tuple[int, ...]
    flops: int
    memory: MemoryTrace
    outputs: tuple[ProgramOutput, ...]
