"""JSON from outside is bounded before it is parsed, and holds nothing that readers could disagree about."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.errors import InvalidRequestError, TooLargeError, ZooError
from service.core.strict_json import (
    LARGEST_FLOAT,
    SHORT,
    SMALLEST_FLOAT,
    JsonLimits,
    checked_values,
    long_lists,
    parse_json,
)

REFUSED = {
    "a NaN": (b'{"mean": NaN}', "number_out_of_range"),
    "an infinity": (b'{"mean": -Infinity}', "number_out_of_range"),
    "an overflow": (b"[1e999]", "number_out_of_range"),
    "more than 32-bit floating point": (b"[1e308]", "number_out_of_range"),
    "a denormal of 32 bits": (b"[1e-40]", "number_out_of_range"),
    "an underflow": (b"[-1.5e-999]", "number_out_of_range"),
    "more than 64 bits": (b"[18446744073709551616]", "number_out_of_range"),
    "a million digits": (b"[" + b"1" * 60_000 + b"]", "number_out_of_range"),
    "a key twice": (b'{"a": 1, "b": {"c": 1, "c": 2}}', "repeated_key"),
    "a key twice, once escaped": (b'{"a": 1, "\\u0061": 2}', "repeated_key"),
    "too deep": (b"[" * 33 + b"]" * 33, "json_too_complex"),
    "too deep and unclosed": (b"[" * 60_000, "json_too_complex"),
    "too many keys": (json.dumps(dict.fromkeys(map(str, range(1001)))).encode(), "json_too_complex"),
    "too many objects": (b"[" + b"{}," * 1000 + b"{}]", "json_too_complex"),
    "not UTF-8": (b'"\xff"', "invalid_json"),
    "UTF-16": ('{"a": 1}'.encode("utf-16"), "invalid_json"),
    "a byte order mark": (b'\xef\xbb\xbf{"a": 1}', "invalid_json"),
    "two values": (b"1 2", "invalid_json"),
    "nothing": (b"", "invalid_json"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_text_is_refused_with_a_code_and_a_remedy(case: str):
    data, code = REFUSED[case]

    with pytest.raises(InvalidRequestError) as caught:
        parse_json(data, SHORT)

    assert caught.value.code == code
    assert caught.value.remedy
    assert len(caught.value.detail) < 200


def test_a_longer_text_than_allowed_is_refused_as_too_large():
    with pytest.raises(TooLargeError) as caught:
        parse_json(b" " * (SHORT.size_bytes + 1), SHORT)

    assert caught.value.code == "too_large"


def test_structure_inside_of_strings_does_not_count():
    text = '"[{:,' * 3 + '\\"'
    value = {"name": "[{:," * 5_000 + '"\\'}

    assert parse_json(json.dumps(value).encode(), SHORT) == value
    assert parse_json(json.dumps(text).encode(), SHORT) == text


@pytest.mark.parametrize("data", [b'"' + b'\\"' * 2_000_000, b'"' * 4_000_000, b'"a\\'])
def test_an_unterminated_string_takes_no_quadratic_time(data: bytes):
    with pytest.raises(InvalidRequestError):
        parse_json(data, long_lists(2**23))


def test_the_edges_of_the_range_are_numbers():
    numbers = [0.0, -0.0, LARGEST_FLOAT, -LARGEST_FLOAT, SMALLEST_FLOAT, 2**64 - 1, -(2**63)]

    assert parse_json(json.dumps(numbers).encode(), SHORT) == numbers
    assert parse_json(b"[0e5, -0.000e-999]", SHORT) == [0, 0]


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(st.characters(codec="utf-8"))
    | st.floats(width=32, allow_nan=False, allow_infinity=False, allow_subnormal=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(JSON_VALUES)
def test_every_ordinary_value_arrives_as_it_was_sent(value: object):
    text = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")

    assert parse_json(text, SHORT) == value
    assert checked_values(value, SHORT) == value


@given(st.binary(max_size=200) | st.text(alphabet='[]{}",:\\1e-N', max_size=200).map(str.encode))
def test_any_bytes_are_a_value_or_an_error_of_ours(data: bytes):
    try:
        value = parse_json(data, SHORT)
    except ZooError:
        return

    assert value == json.loads(data)


def nested(depth: int) -> object:
    return 1 if depth == 0 else [nested(depth - 1)]


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ({"a": math.nan}, "number_out_of_range"),
        ([[1e-40]], "number_out_of_range"),
        (dict.fromkeys(map(str, range(20))), "json_too_complex"),
        (nested(40), "json_too_complex"),
    ],
)
def test_values_that_were_never_text_have_the_same_limits(value: object, code: str):
    with pytest.raises(InvalidRequestError) as caught:
        checked_values(value, JsonLimits(0, keys=10))

    assert caught.value.code == code
