"""Messages of JSON values and raw bytes, without encoding large parts as text."""

import json
import struct
from collections.abc import Sequence
from typing import Any

from service.core.errors import InvalidRequestError

_LENGTH = struct.Struct("<I")


def pack(header: dict[str, Any], parts: Sequence[bytes] = ()) -> bytes:
    """A header of JSON values followed by byte strings, as one byte string."""
    head = json.dumps({"header": header, "lengths": [len(part) for part in parts]}).encode()
    return b"".join((_LENGTH.pack(len(head)), head, *parts))


def unpack(data: bytes) -> tuple[dict[str, Any], list[bytes]]:
    """The header and the byte strings of ``pack``.

    Raises:
        InvalidRequestError: ``invalid_frame``: the bytes have another format.
    """
    view = memoryview(data)
    try:
        (length,) = _LENGTH.unpack_from(view)
        head = json.loads(bytes(view[_LENGTH.size : _LENGTH.size + length]))
        header, lengths = dict(head["header"]), [int(part) for part in head["lengths"]]
    except (struct.error, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise InvalidRequestError(
            f"the bytes are not a message: {error}",
            code="invalid_frame",
            remedy="run the service and its workers in the same version",
        ) from error
    parts, start = [], _LENGTH.size + length
    for size in lengths:
        parts.append(bytes(view[start : start + size]))
        start += size
    if start != len(data) or min(lengths, default=0) < 0:
        raise InvalidRequestError(
            "the length of the message does not match its header",
            code="invalid_frame",
            remedy="send the request again",
        )
    return header, parts
