"""Attributes of a node: read by name, and refused in another type."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from workers.programs import limits
from workers.programs.onnx.tensors import OnnxTensor, read_tensor
from workers.programs.onnx.wire import Message, broken
from workers.programs.refusal import ProgramRefusedError

_NAME, _FLOAT, _INT, _TEXT, _TENSOR, _GRAPH, _FLOATS, _INTS, _TEXTS = 1, 2, 3, 4, 5, 6, 7, 8, 9
_TENSORS, _GRAPHS, _TYPE, _REFERENCE = 10, 11, 20, 21
_HELD_BY_TYPE = {1: _FLOAT, 2: _INT, 3: _TEXT, 4: _TENSOR, 6: _FLOATS, 7: _INTS, 8: _TEXTS}
_GRAPH_TYPES = {5, 10}

Kind = TypeVar("Kind")


@dataclass(frozen=True)
class Attributes:
    """The attributes of the node ``owner``; an accessor refuses one of another type."""

    owner: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def integer(self, name: str, default: int) -> int:
        """A whole number."""
        return self._typed(name, int, default)

    def decimal(self, name: str, default: float) -> float:
        """A floating-point number."""
        return self._typed(name, float, default)

    def text(self, name: str, default: str) -> str:
        """A text."""
        return self._typed(name, str, default)

    def integers(self, name: str) -> list[int] | None:
        """Whole numbers; None without the attribute."""
        values = self.values.get(name)
        if values is None:
            return None
        if not isinstance(values, list) or any(type(value) is not int for value in values):
            raise self.unfit(name)
        return values

    def tensor(self, name: str) -> OnnxTensor | None:
        """A tensor; None without the attribute."""
        value = self.values.get(name)
        if value is not None and not isinstance(value, OnnxTensor):
            raise self.unfit(name)
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """A number that is 0 or 1."""
        value = self.integer(name, int(default))
        if value not in {0, 1}:
            raise self.unfit(name)
        return bool(value)

    def unfit(self, name: str) -> ProgramRefusedError:
        """The error for an attribute that the operator does not take in this form."""
        return ProgramRefusedError(
            "argument_not_allowed",
            f"{self.owner[:160]} does not take its attribute {name[:40]!r} in this form",
            "export the network again with another opset",
        )

    def _typed(self, name: str, kind: type[Kind], default: Kind) -> Kind:
        value = self.values.get(name, default)
        if type(value) is not kind:
            raise self.unfit(name)
        return value


def read_attributes(node: Message, field_number: int, owner: str) -> Attributes:
    """The attributes of a node.

    Raises:
        ProgramRefusedError: ``control_flow``, ``argument_not_allowed`` or ``broken_onnx``.
    """
    values: dict[str, Any] = {}
    for message in node.messages(field_number, at_most=limits.ONNX_ATTRIBUTES):
        name = message.text(_NAME)
        if name in values:
            raise broken(f"{owner[:160]} has the attribute {name[:40]!r} twice")
        values[name] = _value(message, owner, name)
    return Attributes(owner, values)


def _value(message: Message, owner: str, name: str) -> Any:
    kind = message.number(_TYPE)
    if kind in _GRAPH_TYPES or message.has(_GRAPH) or message.has(_GRAPHS):
        raise control_flow(owner)
    if kind not in _HELD_BY_TYPE or message.has(_REFERENCE):
        raise Attributes(owner).unfit(name)
    held = _HELD_BY_TYPE[kind]
    value = _held(message, held, owner)
    numbers = value if isinstance(value, list) else [value]
    if any(isinstance(number, float) and not math.isfinite(number) for number in numbers):
        raise Attributes(owner).unfit(name)
    return value


def _held(message: Message, held: int, owner: str) -> Any:
    """The value in the field that the attribute's type names."""
    if held == _FLOAT:
        return message.decimal(_FLOAT) if message.has(_FLOAT) else 0.0
    if held == _INT:
        return message.number(_INT)
    if held == _TEXT:
        return message.text(_TEXT)
    if held == _TENSOR:
        return _tensor(message, owner)
    if held == _FLOATS:
        return message.decimals(_FLOATS, at_most=limits.LIST_ITEMS)
    return (
        message.numbers(_INTS, at_most=limits.LIST_ITEMS)
        if held == _INTS
        else message.texts(_TEXTS, at_most=limits.LIST_ITEMS)
    )


def _tensor(message: Message, owner: str) -> OnnxTensor:
    tensor = message.message(_TENSOR)
    if tensor is None:
        raise broken(f"{owner[:160]} lacks its tensor")
    return read_tensor(tensor, owner=owner)


def control_flow(owner: str) -> ProgramRefusedError:
    """The error for a node that holds a graph."""
    return ProgramRefusedError(
        "control_flow",
        f"{owner[:160]} runs a graph of its own",
        "export without branches and loops that depend on the image: with fixed height and width, "
        "or fold constants with onnxsim",
    )
