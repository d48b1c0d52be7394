"""One message of plain values and raw bytes: no escaping, no copies of large parts in text."""

import json
import struct
from collections.abc import Sequence
from typing import Any

from service.core.errors import InvalidRequestError

_LENGTH = struct.Struct("<I")


def pack(header: dict[str, Any], parts: Sequence[bytes] = ()) -> bytes:
    """A header of JSON values followed by byte strings, as one byte string."""
    told = json.dumps({"header": header, "lengths": [len(part) for part in parts]}).encode()
    return b"".join((_LENGTH.pack(len(told)), told, *parts))


def unpack(data: bytes) -> tuple[dict[str, Any], list[bytes]]:
    """The header and the byte strings of ``pack``.

    Raises:
        InvalidRequestError: ``invalid_frame``: the bytes are something else.
    """
    view = memoryview(data)
    try:
        (length,) = _LENGTH.unpack_from(view)
        told = json.loads(bytes(view[_LENGTH.size : _LENGTH.size + length]))
        header, lengths = dict(told["header"]), [int(one) for one in told["lengths"]]
    except (struct.error, ValueError, KeyError, TypeError) as error:
        raise InvalidRequestError(f"not a message: {error}", code="invalid_frame") from error
    parts, start = [], _LENGTH.size + length
    for one in lengths:
        parts.append(bytes(view[start : start + one]))
        start += one
    if start != len(data) or min(lengths, default=0) < 0:
        raise InvalidRequestError(
            "the message has another length than it says", code="invalid_frame"
        )
    return header, parts
