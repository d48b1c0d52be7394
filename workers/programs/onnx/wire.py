"""Protocol buffers field by field, over mapped memory.

Nothing is allocated because of a length that the file claims: blocks of bytes are views of the file, and
every field and every packed number counts against one budget for the whole file.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from workers.programs import limits
from workers.programs.refusal import ProgramRefusedError

RESAVE = "export the network again and upload the file unchanged"

_VARINT, _FIXED64, _BLOCK, _FIXED32 = 0, 1, 2, 5
_WIDTHS = {_FIXED64: 8, _FIXED32: 4}
_MASK = 2**64 - 1
_SIGN = 2**63
_LONGEST_VARINT_BITS = 70
_GREATEST_FIELD = 2**29 - 1

Value = int | bytes | memoryview
"""A varint, the bytes of a fixed number, or a view of a block."""


def broken(detail: str) -> ProgramRefusedError:
    """The error for a file that is no valid protocol buffer, or not one of ONNX."""
    return ProgramRefusedError("broken_onnx", detail, RESAVE)


@dataclass
class FieldBudget:
    """How many fields and packed numbers may still be read from a file."""

    left: int = field(default=limits.ONNX_FIELDS)

    def spend(self, count: int) -> None:
        """Count fields.

        Raises:
            ProgramRefusedError: ``graph_too_large``.
        """
        self.left -= count
        if self.left < 0:
            raise ProgramRefusedError(
                "graph_too_large",
                f"the file has more than {limits.ONNX_FIELDS} fields",
                "upload a smaller network, with weights as raw data",
            )


class Message:
    """The fields of one message by number. An accessor refuses a field of another type."""

    __slots__ = ("_budget", "_fields")

    def __init__(self, data: memoryview, budget: FieldBudget) -> None:
        self._budget = budget
        self._fields: dict[int, list[Value]] = {}
        for number, value in _fields_of(data, budget):
            self._fields.setdefault(number, []).append(value)

    def has(self, number: int) -> bool:
        """Whether the field occurs."""
        return number in self._fields

    def number(self, number: int, default: int = 0) -> int:
        """A signed integer that occurs at most once."""
        value = self._single(number)
        if value is None:
            return default
        if not isinstance(value, int):
            raise broken(f"field {number} is no number")
        return _signed(value)

    def numbers(self, number: int, *, at_most: int) -> list[int]:
        """Signed integers, packed or not."""
        numbers: list[int] = []
        for value in self._fields.get(number, ()):
            if isinstance(value, int):
                numbers.append(_signed(value))
            elif isinstance(value, memoryview):
                numbers.extend(_packed(value, self._budget, at_most=at_most))
            else:
                raise broken(f"field {number} is no list of numbers")
        if len(numbers) > at_most:
            raise _too_long(at_most)
        return numbers

    def decimal(self, number: int) -> float:
        """A 32-bit floating-point number that occurs at most once."""
        value = self._single(number)
        if not isinstance(value, bytes) or len(value) != _WIDTHS[_FIXED32]:
            raise broken(f"field {number} is no floating-point number")
        return float(struct.unpack("<f", value)[0])

    def decimals(self, number: int, *, at_most: int) -> list[float]:
        """32-bit floating-point numbers, packed or not."""
        parts = self._fields.get(number, [])
        if sum(len(part) for part in parts if not isinstance(part, int)) > 4 * at_most:
            raise _too_long(at_most)
        data = b"".join(bytes(part) for part in parts if not isinstance(part, int))
        if len(data) % 4 or any(isinstance(part, int) for part in parts):
            raise broken(f"field {number} is no list of floating-point numbers")
        return list(struct.unpack(f"<{len(data) // 4}f", data))

    def text(self, number: int) -> str:
        """A text that occurs at most once; empty without it."""
        value = self._single(number)
        return "" if value is None else _text(value)

    def texts(self, number: int, *, at_most: int) -> list[str]:
        """Texts in order."""
        values = self._fields.get(number, [])
        if len(values) > at_most:
            raise _too_long(at_most)
        return [_text(value) for value in values]

    def block(self, number: int) -> memoryview | None:
        """The bytes of a field that occurs at most once; None without it."""
        value = self._single(number)
        if value is not None and not isinstance(value, memoryview):
            raise broken(f"field {number} is no block of bytes")
        return value

    def blocks(self, number: int, *, at_most: int) -> list[memoryview]:
        """The bytes of every occurrence of a field."""
        values = self._fields.get(number, [])
        if len(values) > at_most:
            raise _too_long(at_most)
        blocks = [value for value in values if isinstance(value, memoryview)]
        if len(blocks) != len(values):
            raise broken(f"field {number} is no block of bytes")
        return blocks

    def message(self, number: int) -> "Message | None":
        """The message in a field that occurs at most once; None without it."""
        block = self.block(number)
        return None if block is None else Message(block, self._budget)

    def messages(self, number: int, *, at_most: int) -> Iterator["Message"]:
        """The messages in a field, one after the other."""
        for block in self.blocks(number, at_most=at_most):
            yield Message(block, self._budget)

    def _single(self, number: int) -> Value | None:
        values = self._fields.get(number)
        if values is None:
            return None
        if len(values) > 1:
            raise broken(f"field {number} occurs {len(values)} times")
        return values[0]


def _too_long(at_most: int) -> ProgramRefusedError:
    return ProgramRefusedError(
        "graph_too_large", f"a list has more than {at_most} entries", "upload a smaller network"
    )


def _fields_of(data: memoryview, budget: FieldBudget) -> Iterator[tuple[int, Value]]:
    """Number and value of every field of a message."""
    at, end = 0, len(data)
    while at < end:
        budget.spend(1)
        tag, at = _varint(data, at)
        number, wire = tag >> 3, tag & 7
        if not 0 < number <= _GREATEST_FIELD:
            raise broken("a field has an impossible number")
        if wire == _VARINT:
            value, at = _varint(data, at)
            yield number, value
            continue
        length = _WIDTHS.get(wire, 0)
        if wire == _BLOCK:
            length, at = _varint(data, at)
        elif wire not in _WIDTHS:
            raise broken("a field has an impossible type")
        if length > end - at:
            raise broken("a field is longer than the file")
        part = data[at : at + length]
        yield number, part if wire == _BLOCK else bytes(part)
        at += length


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    """A variable-length number, and where the next field begins."""
    value = shift = 0
    end = len(data)
    while at < end and shift < _LONGEST_VARINT_BITS:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004 - the bit that continues a number
            return value & _MASK, at
        shift += 7
    raise broken("the file ends within a number")


def _packed(data: memoryview, budget: FieldBudget, *, at_most: int) -> Iterator[int]:
    at = count = 0
    while at < len(data):
        budget.spend(1)
        count += 1
        if count > at_most:
            raise _too_long(at_most)
        value, at = _varint(data, at)
        yield _signed(value)


def _signed(value: int) -> int:
    return value - 2**64 if value >= _SIGN else value


def _text(value: Value) -> str:
    if not isinstance(value, memoryview):
        raise broken("a name is no text")
    if len(value) > limits.ONNX_NAME_BYTES:
        raise broken(f"a name has more than {limits.ONNX_NAME_BYTES} bytes")
    try:
        return str(value, "utf-8")
    except UnicodeDecodeError as error:
        raise broken("a name is not UTF-8") from error
