"""JSON from outside: counted before it is parsed, and without what readers could disagree about.

A text is refused if it is too large, too deep or too rich in keys, if a key occurs twice, or if a
number is NaN, infinite, too large or too small for 32-bit floating point, or an integer beyond 64
bits. Counting ignores strings, so that only structure counts.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from service.core.errors import InvalidRequestError, TooLargeError

KIBIBYTE = 1024
LARGEST_FLOAT = float.fromhex("0x1.fffffep+127")
SMALLEST_FLOAT = float.fromhex("0x1p-126")
LARGEST_INTEGER = 2**64 - 1
SMALLEST_INTEGER = -(2**63)
_INTEGER_DIGITS = 20

# An unterminated string ends with the text; otherwise every quote in it would be searched again.
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_NO_BRACKET = re.compile(r"[^\[\]{}]+")
_STEPS: Mapping[str, int] = {"[": 1, "{": 1, "]": -1, "}": -1}


@dataclass(frozen=True)
class JsonLimits:
    """How much JSON one text may hold.

    Attributes:
        size_bytes: Length of the text.
        keys: Keys of all objects together, and of all containers.
        values: Commas, that is values beyond the first of each container.
        object_keys: Keys of one object.
        depth: Containers inside each other.
    """

    size_bytes: int
    keys: int = 1_000
    values: int = 32_768
    object_keys: int = 1_000
    depth: int = 32


SHORT = JsonLimits(64 * KIBIBYTE)
"""Limits wherever nothing larger makes sense."""


def long_lists(size_bytes: int) -> JsonLimits:
    """Limits of requests that hold long lists: candidates, class names, measured accuracies."""
    return JsonLimits(size_bytes, keys=100_000, values=250_000)


def parse_json(data: bytes, limits: JsonLimits) -> Any:
    """The value of a JSON text in UTF-8.

    Raises:
        TooLargeError: ``too_large``.
        InvalidRequestError: ``invalid_json``, ``json_too_complex``, ``repeated_key`` or
            ``number_out_of_range``.
    """
    require_size(len(data), limits)
    try:
        text = data.decode("utf-8")
        _require_simple(text, limits)
        return json.loads(
            text,
            object_pairs_hook=_object_hook(limits),
            parse_float=_float,
            parse_int=_integer,
            parse_constant=_refuse_number,
        )
    except (ValueError, RecursionError) as error:
        raise InvalidRequestError(
            f"the JSON is not valid: {error}",
            code="invalid_json",
            remedy="send one JSON value in UTF-8",
        ) from error


def require_size(size_bytes: int, limits: JsonLimits) -> None:
    """Refuse a text that is longer than allowed. Raises TooLargeError: ``too_large``."""
    if size_bytes > limits.size_bytes:
        raise TooLargeError(
            f"the JSON has more than {limits.size_bytes} bytes",
            remedy="send less at once: split a list over several requests",
        )


def checked_values(value: Any, limits: JsonLimits) -> Any:
    """JSON values that did not come as text, such as a Struct, within the same limits.

    Raises:
        InvalidRequestError: ``json_too_complex`` or ``number_out_of_range``.
    """
    keys, level = 0, [value]
    for _ in range(limits.depth + 1):
        objects = [item for item in level if isinstance(item, Mapping)]
        lists = [item for item in level if isinstance(item, list | tuple)]
        keys += sum(map(len, objects)) + len(objects) + len(lists)
        if keys > limits.keys or any(len(item) > limits.object_keys for item in objects):
            raise _too_complex(f"it has more than {limits.keys} keys and containers")
        for item in level:
            if isinstance(item, float):
                require_number(item)
        level = [child for item in objects for child in item.values()]
        level += [child for item in lists for child in item]
        if not level:
            return value
    raise _too_complex(f"it is nested more than {limits.depth} levels deep")


def require_number(value: float) -> float:
    """The number, if 32-bit floating point can hold it.

    Raises:
        InvalidRequestError: ``number_out_of_range``: it is NaN, infinite, too large or too small.
    """
    if value == 0 or SMALLEST_FLOAT <= abs(value) <= LARGEST_FLOAT:
        return value
    raise _out_of_range(repr(value))


def _require_simple(text: str, limits: JsonLimits) -> None:
    """Refuse a text that would cost much memory or stack to parse."""
    skeleton = _STRING.sub("", text)
    if skeleton.count(":") > limits.keys:
        raise _too_complex(f"it has more than {limits.keys} keys")
    if skeleton.count("[") + skeleton.count("{") > limits.keys:
        raise _too_complex(f"it has more than {limits.keys} lists and objects")
    if skeleton.count(",") > limits.values:
        raise _too_complex(f"it has more than {limits.values} values")
    brackets = _NO_BRACKET.sub("", skeleton)
    if max(accumulate(map(_STEPS.__getitem__, brackets)), default=0) > limits.depth:
        raise _too_complex(f"it is nested more than {limits.depth} levels deep")


def _object_hook(limits: JsonLimits) -> Any:
    """A hook that makes a dictionary of the pairs of an object."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(pairs) > limits.object_keys:
            raise _too_complex(f"an object has more than {limits.object_keys} keys")
        mapping = dict(pairs)
        if len(mapping) != len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise InvalidRequestError(
                f"the JSON has the key {twice[:100]!r} twice in one object",
                code="repeated_key",
                remedy="give every key once",
            )
        return mapping

    return unique


def _float(text: str) -> float:
    value = float(text)
    if value == 0 and text.lower().partition("e")[0].strip("-0."):
        raise _out_of_range(text)
    return require_number(value)


def _integer(text: str) -> int:
    if len(text) > _INTEGER_DIGITS or not SMALLEST_INTEGER <= int(text) <= LARGEST_INTEGER:
        raise _out_of_range(text)
    return int(text)


def _refuse_number(text: str) -> None:
    raise _out_of_range(text)


def _out_of_range(text: str) -> InvalidRequestError:
    return InvalidRequestError(
        f"the number {text[:40]} is not finite, or is too large or too small",
        code="number_out_of_range",
        remedy="send finite numbers: 0, or from 1.2e-38 to 3.4e38 in size; integers of 64 bits",
    )


def _too_complex(reason: str) -> InvalidRequestError:
    return InvalidRequestError(
        f"the JSON is refused: {reason}",
        code="json_too_complex",
        remedy="send fewer and flatter values; no request of this service needs as many",
    )
