"""JPEG files of which only the end is missing.

Cameras, phones and interrupted downloads leave files without their last bytes. A decoder fills what
is missing with gray without saying how much that is, so it is measured first.
"""

import struct
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageFile

_END = b"\xff\xd9"
_MARKERS_WITHOUT_BODY = {0x01, *range(0xD0, 0xD9)}
_FRAME_HEADERS = {0xC0, 0xC1, 0xC2}
_PROGRESSIVE = 0xC2
_SCAN = 0xDA
_COEFFICIENTS = 64
# Rows that a decoder holds back beyond the row of blocks that it lacks, to smooth colors.
_ROWS_HELD_BACK = 2


@dataclass
class _Structure:
    """What the headers of a JPEG announce."""

    block_rows: int = 8
    is_progressive: bool = False
    components: set[int] = field(default_factory=set)
    exact: set[tuple[int, int]] = field(default_factory=set)

    @property
    def has_every_scan(self) -> bool:
        """Whether scans to the last bit of every coefficient are there, perhaps cut short."""
        return len(self.exact) == len(self.components) * _COEFFICIENTS


def has_end(data: bytes) -> bool:
    """Whether an end marker follows the last scan."""
    return data.rfind(_END) > data.rfind(b"\xff\xda")


def ended(data: bytes) -> bytes:
    """The file with an end marker."""
    return data.removesuffix(b"\xff") + _END


def lacks_only_its_end(data: bytes, partial: ImageFile.ImageFile, whole: Image.Image) -> bool:
    """Whether at most one row of blocks is missing at the bottom.

    Args:
        data: The file without its end.
        partial: What of it was decoded; rows that the data does not suffice for are zero.
        whole: What was decoded with an end marker; missing blocks are gray.
    """
    try:
        structure = _structure(data)
    except (IndexError, ValueError, struct.error):
        return False
    if structure is None or not structure.components:
        return False
    if structure.is_progressive:
        return structure.has_every_scan
    partial.tile = []  # what could be decoded is there; Pillow would try again
    lost = _is_filled(whole) & ~_is_filled(partial)
    return int(lost.sum()) <= structure.block_rows + _ROWS_HELD_BACK


def _is_filled(image: Image.Image) -> np.ndarray:
    """Which rows hold anything but zeros."""
    rows = np.asarray(image)
    return np.asarray(rows.reshape(len(rows), -1).any(axis=1))


def _structure(data: bytes) -> _Structure | None:
    """The frame header and the scans; None for what is no ordinary JPEG."""
    structure, position = _Structure(), 2
    while position + 4 <= len(data):
        if data[position] != 0xFF:  # noqa: PLR2004 - every marker begins so
            return None
        marker = data[position + 1]
        if marker in _MARKERS_WITHOUT_BODY or marker == 0xFF:  # noqa: PLR2004
            position += 1 if marker == 0xFF else 2  # noqa: PLR2004
            continue
        length = struct.unpack_from(">H", data, position + 2)[0]
        body = data[position + 4 : position + 2 + length]
        position += 2 + length
        if marker in _FRAME_HEADERS:
            _read_frame(structure, body, marker)
        elif marker == _SCAN:
            _read_scan(structure, body)
            position = _end_of_scan(data, position)
    return structure


def _read_frame(structure: _Structure, body: bytes, marker: int) -> None:
    count = body[5]
    factors = [body[6 + 3 * index : 9 + 3 * index] for index in range(count)]
    structure.components = {factor[0] for factor in factors if len(factor) == 3}  # noqa: PLR2004
    structure.block_rows = 8 * max(factor[1] & 0xF for factor in factors)
    structure.is_progressive = marker == _PROGRESSIVE


def _read_scan(structure: _Structure, body: bytes) -> None:
    """Notes which coefficients the scan completes: those of whose bits it has the last."""
    count = body[0]
    first, last, approximation = body[1 + 2 * count : 4 + 2 * count]
    if approximation & 0xF == 0:
        components = [body[1 + 2 * index] for index in range(count)]
        structure.exact |= {
            (component, coefficient)
            for component in components
            for coefficient in range(first, min(last, 63) + 1)
        }


def _end_of_scan(data: bytes, position: int) -> int:
    """The position of the marker after the scan's data; the length of the file if there is none."""
    while (position := data.find(b"\xff", position)) >= 0:
        following = data[position + 1 : position + 2]
        if not following:
            break
        if following[0] != 0 and following[0] not in range(0xD0, 0xD8):
            return position
        position += 2
    return len(data)
