"""Untrusted JSON: bounded before it is parsed, and accessed through checked functions."""

import json
import math
from typing import Any, TypeVar

from workers.programs import limits
from workers.programs.refusal import ProgramRefusedError

Kind = TypeVar("Kind")
_RESAVE = "save the archive again with torch.export.save and upload it unchanged"


def parse_bounded(data: bytes, *, what: str) -> dict[str, Any]:
    """The JSON object in ``data``.

    Counting brackets and commas first bounds the memory of the parsed object.

    Raises:
        ProgramRefusedError: ``json_too_large`` or ``broken_json``.
    """
    containers = data.count(b"{") + data.count(b"[")
    if (
        len(data) > limits.JSON_BYTES
        or containers > limits.JSON_CONTAINERS
        or data.count(b",") > limits.JSON_COMMAS
    ):
        raise ProgramRefusedError(
            "json_too_large", f"{what} is larger than any network's", _RESAVE
        )
    if not data.isascii():
        raise ProgramRefusedError("broken_json", f"{what} is not ASCII", _RESAVE)
    try:
        value = json.loads(
            data,
            object_pairs_hook=without_duplicates,
            parse_constant=refuse_constant,
            parse_float=finite,
        )
    except (ValueError, RecursionError) as error:
        raise ProgramRefusedError("broken_json", f"{what} is not valid JSON", _RESAVE) from error
    return checked(value, dict, what=what)


def without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A dict without repeated keys: readers could otherwise disagree about the network."""
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        raise ValueError("a key occurs twice")
    return mapping


def finite(text: str) -> float:
    """The number. Raises ValueError if it overflows."""
    value = float(text)
    if not math.isfinite(value):
        refuse_constant(text)
    return value


def refuse_constant(text: str) -> None:
    """Raises ValueError: NaN and Infinity are no JSON."""
    raise ValueError(f"{text[:40]} is not a finite number")


def checked(value: Any, kind: type[Kind], *, what: str) -> Kind:
    """``value``, which must be of ``kind``; a bool is not an integer.

    Raises:
        ProgramRefusedError: ``broken_graph``, if the value is of another kind.
    """
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ProgramRefusedError("broken_graph", f"{what} must be {kind.__name__}", _RESAVE)
    return value


def field(record: Any, key: str, kind: type[Kind]) -> Kind:
    """The entry ``key`` of a JSON object, which must exist and be of ``kind``.

    Raises:
        ProgramRefusedError: ``broken_graph``.
    """
    mapping = checked(record, dict, what="a record")
    if key not in mapping:
        raise ProgramRefusedError("broken_graph", f"a record lacks {key!r}", _RESAVE)
    return checked(mapping[key], kind, what=key)


def union(record: Any) -> tuple[str, Any]:
    """The one entry of a tagged JSON object: its tag and its value.

    Raises:
        ProgramRefusedError: ``broken_graph``.
    """
    mapping = checked(record, dict, what="a union")
    entries = [
        (tag, value) for tag, value in mapping.items() if value is not None or len(mapping) == 1
    ]
    if len(entries) != 1:
        raise ProgramRefusedError("broken_graph", "a union needs exactly one value", _RESAVE)
    return entries[0]
