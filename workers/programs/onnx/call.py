"""One call of an ONNX operator: its inputs as tensors, or as numbers that are computed beforehand.

Sizes and small constants are NumPy arrays, with symbols of the export among the numbers of a free batch
axis. Everything that depends on the image's content is a tensor.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from workers.programs import limits
from workers.programs.onnx.attributes import Attributes
from workers.programs.onnx.graph import OnnxNode
from workers.programs.onnx.tensors import Numbers
from workers.programs.refusal import ProgramRefusedError

Value = Tensor | Numbers
Result = Value | tuple[Value, ...]
_MOST_SYMBOLS = 64


@dataclass(frozen=True)
class FreedBatch:
    """A batch of ``images`` that a file fixes to ``exported``, and that its reader sets free."""

    exported: int
    images: Any


@dataclass(frozen=True)
class Call:
    """A node with the values of its inputs.

    ``of_image``: the first input depends on the image's content. ``literals`` are small constants by name, also those of floats, whose values are tensors otherwise.
    """

    node: OnnxNode
    values: tuple[Value | None, ...]
    literals: Mapping[str, Numbers]
    opset: int
    fixed_batch: FreedBatch | None = None
    of_image: bool = True

    @property
    def attributes(self) -> Attributes:
        """The attributes of the node."""
        return self.node.attributes

    def has(self, position: int) -> bool:
        """Whether the input is given."""
        return position < len(self.values) and self.values[position] is not None

    def value(self, position: int) -> Value:
        """An input that the operator needs."""
        value = self.values[position] if position < len(self.values) else None
        if value is None:
            raise self.refused(f"lacks input {position}")
        return value

    def tensor(self, position: int) -> Tensor:
        """An input as a tensor."""
        return as_tensor(self.value(position))

    def optional_tensor(self, position: int) -> Tensor | None:
        """An input as a tensor; None if it is not given."""
        return self.tensor(position) if self.has(position) else None

    def numbers(self, position: int) -> Numbers:
        """An input that is computed before the image is there.

        Raises:
            ProgramRefusedError: ``size_expression_not_allowed``.
        """
        value = self.value(position)
        if isinstance(value, Tensor):
            literal = self.literals.get(self.node.inputs[position])
            if literal is None:
                raise ProgramRefusedError(
                    "size_expression_not_allowed",
                    f"{self.attributes.owner} takes a size from the content of a tensor",
                    "export with fixed height and width, and without post-processing such as "
                    "non-maximum suppression",
                )
            return literal
        return value

    def integers(self, position: int) -> list[Any]:
        """Sizes or axes: integers, or symbols of a free batch axis."""
        return list(self.numbers(position).reshape(-1).tolist())

    def scalar(self, position: int) -> Any:
        """A single number."""
        return self.numbers(position).reshape(()).item()

    def literal_scalar(self, position: int) -> float | int | bool | None:
        """The only number of a constant input; None for any other input."""
        value = self.value(position)
        numbers = (
            value
            if isinstance(value, np.ndarray)
            else self.literals.get(self.node.inputs[position])
        )
        if numbers is None or numbers.size != 1:
            return None
        number: float | int | bool = numbers.reshape(()).item()
        return number

    def refused(self, detail: str) -> ProgramRefusedError:
        """The error for a form of the operator that is not supported."""
        return ProgramRefusedError(
            "argument_not_allowed",
            f"{self.attributes.owner} {detail}",
            "export the network again with another opset, or replace the call",
        )


def numbers_of(items: list[Any]) -> Numbers:
    """Sizes as numbers: an array of integers, or of objects if there are symbols among them."""
    if all(type(item) is int for item in items):
        return np.array(items, dtype=np.int64)
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array


def as_tensor(value: Value) -> Tensor:
    """The value as a tensor."""
    if isinstance(value, Tensor):
        return value
    if value.dtype == object:
        if value.size > _MOST_SYMBOLS:
            raise ProgramRefusedError(
                "graph_too_large",
                f"the graph computes with {value.size} sizes of a free batch axis at once",
                "export with a fixed batch of 1",
            )
        items = [torch.full((), item, dtype=torch.int64) for item in value.reshape(-1).tolist()]
        return torch.stack(items).reshape(value.shape)
    kind = torch.float32 if value.dtype.kind == "f" else getattr(torch, str(value.dtype))
    return torch.tensor(value.tolist(), dtype=kind)


def all_numbers(values: list[Value]) -> list[Numbers] | None:
    """The values if none of them is a tensor and one result for all of them is small, else None."""
    numbers = [value for value in values if isinstance(value, np.ndarray)]
    if len(numbers) != len(values):
        return None
    shape = np.broadcast_shapes(*(array.shape for array in numbers))
    return numbers if fits_numbers(math.prod(shape)) else None


def check_numbers(numbers: Numbers, owner: str) -> None:
    """Require that numbers are few, and that those with symbols among them are sizes.

    Raises:
        ProgramRefusedError: ``graph_too_large`` or ``size_out_of_range``.
    """
    if not fits_numbers(numbers.size):
        raise ProgramRefusedError(
            "graph_too_large", f"{owner} computes {numbers.size} numbers", "use a smaller network"
        )
    if numbers.dtype != object:
        return
    for item in numbers.reshape(-1):
        hint = item.node.hint if isinstance(item, torch.SymInt) else item
        if isinstance(hint, int) and abs(hint) > limits.INTEGER:
            raise ProgramRefusedError(
                "size_out_of_range",
                f"{owner} computes an impossible size",
                "export the network again",
            )


def fits_numbers(count: Any) -> bool:
    """Whether so many numbers are computed beforehand; larger ones become tensors."""
    return type(count) is int and 0 <= count <= limits.LIST_ITEMS
