"""Size expressions of an export, read with a tiny grammar and never evaluated.

A legitimate export describes an axis either by an integer or by a term such as
``Mul(Integer(64), Symbol('s77', positive=True, integer=True))``. Only integers and plain symbols
are interpreted. Every other term must consist of known words only, because a file with anything
else is an attack on the evaluator of another reader.
"""

import re
from dataclasses import dataclass
from typing import Any

from workers.programs import limits
from workers.programs.bounded_json import checked, field, union
from workers.programs.refusal import ProgramRefusedError

_SYMBOL = r"[su]\d{1,6}"
_PLAIN = re.compile(
    rf"(?:Symbol\('({_SYMBOL})'(?:, (?:positive|integer|nonnegative)=True)*\)|({_SYMBOL}))"
)
_WORDS = (
    r"Symbol|Integer|Mul|Add|Mod|PythonMod|FloorDiv|CeilDiv|CeilToInt|FloorToInt|"
    r"ToFloat|IntTrueDiv|FloatTrueDiv|TruncToInt|Max|Min|floor|ceiling|Eq|Ne|Ge|Gt|Le|Lt|And|Or|"
    r"Not|true|false|True|False|positive|integer|nonnegative|evaluate"
)
_TERM = re.compile(
    rf"(?:(?:{_WORDS})(?![A-Za-z0-9_])|'?{_SYMBOL}'?(?![A-Za-z0-9_'])|\d{{1,18}}(?![A-Za-z_0-9])"
    rf"|[ (),=+/%<>-]|\*(?!\*))*"
)


@dataclass(frozen=True)
class Axis:
    """Length of one axis.

    ``size`` is the length, or the example's length if the axis is free; ``symbol`` names a
    free axis and is "?" if the length is a term of several symbols.
    """

    size: int | None
    symbol: str | None = None


def read_axis(record: Any) -> Axis:
    """One entry of a ``sizes`` list.

    Raises:
        ProgramRefusedError: ``size_expression_not_allowed``.
    """
    tag, value = union(record)
    if tag == "as_int":
        return Axis(bounded_size(value))
    if tag != "as_expr":
        raise ProgramRefusedError(
            "size_expression_not_allowed", "a size is neither number nor term"
        )
    expression = field(value, "expr_str", str)
    check_term(expression)
    plain = _PLAIN.fullmatch(expression)
    hint = value.get("hint")
    return Axis(
        size=bounded_size(field(hint, "as_int", int)) if hint is not None else None,
        symbol=(plain.group(1) or plain.group(2)) if plain else "?",
    )


def check_term(expression: str) -> None:
    """Rejects a term that contains anything but known words, numbers and arithmetic.

    Raises:
        ProgramRefusedError: ``size_expression_not_allowed``.
    """
    if len(expression) > limits.EXPRESSION_CHARACTERS or not _TERM.fullmatch(expression):
        raise ProgramRefusedError(
            "size_expression_not_allowed",
            f"the size {expression[:60]!r} is not an integer, a symbol or plain arithmetic of them",
            "export with torch.export.export, fixed height and width and at most a free batch axis",
        )


def bounded_size(value: Any) -> int:
    """A length, stride or offset: an integer in [0, 2**31].

    Raises:
        ProgramRefusedError: ``size_out_of_range``.
    """
    number = checked(value, int, what="a size")
    if not 0 <= number <= limits.DIMENSION:
        raise ProgramRefusedError(
            "size_out_of_range", f"the size {str(number)[:40]} is out of range"
        )
    return number


def read_fixed_sizes(records: Any) -> tuple[int, ...]:
    """Lengths, strides: all plain integers, at most eight of them.

    Raises:
        ProgramRefusedError: ``size_out_of_range`` or ``size_expression_not_allowed``.
    """
    entries = checked(records, list, what="sizes")
    if len(entries) > limits.RANK:
        raise ProgramRefusedError("size_out_of_range", f"a tensor has {len(entries)} axes")
    return tuple(read_fixed_size(entry) for entry in entries)


def read_fixed_size(record: Any) -> int:
    """One length, stride or offset that must be a plain integer.

    Raises:
        ProgramRefusedError: ``size_expression_not_allowed`` or ``size_out_of_range``.
    """
    tag, value = union(record)
    if tag != "as_int":
        raise ProgramRefusedError("size_expression_not_allowed", "a weight has no fixed shape")
    return bounded_size(value)
