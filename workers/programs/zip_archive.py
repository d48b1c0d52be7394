"""A zip reader that trusts nothing in the file.

It supports only what ``torch.export.save`` needs: stored or deflated members in one root folder,
including zip64. The file is mapped, so a stored member uses no memory until it is read.
"""

import mmap
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from workers.programs import limits
from workers.programs.refusal import ProgramRefusedError

_END = struct.Struct("<4s4H2LH")
_END64_LOCATOR = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQ2H2L4Q")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_STORED, _DEFLATED = 0, 8
_FILL16, _FILL32 = 0xFFFF, 0xFFFFFFFF
_ENCRYPTED = 0x1
_SYMLINK, _KIND_BITS = 0o120000, 0o170000
_RESAVE = "save the archive again with torch.export.save and upload it unchanged"


@dataclass(frozen=True)
class Member:
    """One file of the archive; its bytes begin at ``start``."""

    name: str
    method: int
    packed_bytes: int
    size_bytes: int
    header: int
    start: int
    checksum: int


def _broken(detail: str) -> ProgramRefusedError:
    return ProgramRefusedError("broken_archive", detail, _RESAVE)


class ZipArchive:
    """A mapped zip file with a checked directory.

    The map lives as long as a tensor refers to it.

    Args:
        path: The file. It must not shrink while the archive is open.

    Raises:
        ProgramRefusedError: ``broken_archive``, ``archive_too_large`` or ``archive_path``.
    """

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            if size < _END.size:
                raise _broken("the file is too short to be a zip archive")
            # A private, writable map: torch needs writable memory, and the file must not change.
            self.bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        try:
            self.members = _members_of(self.bytes)
        except BaseException:
            self.bytes.close()
            raise

    def read(self, name: str, *, at_most: int) -> bytes:
        """The bytes of a member.

        Raises:
            ProgramRefusedError: There is no such member, it is larger than ``at_most``, or its
                compressed bytes do not match the directory.
        """
        member = self.member(name)
        if member.size_bytes > at_most:
            raise ProgramRefusedError(
                "archive_too_large", f"{name} is larger than {at_most} bytes", _RESAVE
            )
        packed = self.bytes[member.start : member.start + member.packed_bytes]
        return packed if member.method == _STORED else _inflated(packed, member)

    def require_checksum(self, name: str) -> None:
        """Require that a member's bytes match the checksum (CRC-32) in the directory.

        Raises:
            ProgramRefusedError: ``broken_archive``: bytes were damaged after the file was written.
        """
        member = self.member(name)
        with (
            memoryview(self.bytes) as whole,
            whole[member.start :][: member.packed_bytes] as packed,
        ):
            data = packed if member.method == _STORED else _inflated(bytes(packed), member)
            if zlib.crc32(data) != member.checksum:
                raise _broken(f"the bytes of {name} do not match their checksum")

    def member(self, name: str) -> Member:
        """The member called ``name``, below the root folder."""
        if name not in self.members:
            raise ProgramRefusedError(
                "archive_member_missing", f"the archive has no {name}", _RESAVE
            )
        return self.members[name]

    def is_stored(self, name: str) -> bool:
        """Whether the member is stored without compression."""
        return self.member(name).method == _STORED


def _inflated(packed: bytes, member: Member) -> bytes:
    """A deflated member's bytes; never more than declared, and bounded by the ratio."""
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        data = unpacker.decompress(packed, member.size_bytes + 1)
    except zlib.error as error:
        raise _broken(f"{member.name} cannot be unpacked") from error
    if len(data) != member.size_bytes:
        raise _broken(f"{member.name} does not have the size it declares")
    return data


def _members_of(data: mmap.mmap) -> dict[str, Member]:
    """The checked directory, keyed by the path below the root folder."""
    members: dict[str, Member] = {}
    roots: set[str] = set()
    for member in _directory(data):
        root, _, below = member.name.partition("/")
        roots.add(root)
        if below in members:
            raise ProgramRefusedError(
                "archive_path", f"the archive holds {member.name!r} twice", _RESAVE
            )
        members[below] = member
    if len(roots) != 1:
        raise ProgramRefusedError(
            "archive_path", "all members must lie in one root folder", _RESAVE
        )
    _refuse_overlaps(members)
    return members


def _refuse_overlaps(members: dict[str, Member]) -> None:
    """Rejects members that share bytes, the trick of zip bombs."""
    end = 0
    for member in sorted(members.values(), key=lambda member: member.header):
        if member.header < end:
            raise _broken(f"{member.name} overlaps another member")
        end = member.start + member.packed_bytes


def _directory(data: mmap.mmap) -> Iterator[Member]:
    """Members in the order of the central directory, all counted before any is parsed."""
    entries = list(_entries(data))
    for fields, tail in entries:
        name_bytes, extra_bytes = fields[10:12]
        extra = data[tail + name_bytes : tail + name_bytes + extra_bytes]
        yield _member(data, fields, name=data[tail : tail + name_bytes], extra=extra)


def _entries(data: mmap.mmap) -> Iterator[tuple[tuple[int, ...], int]]:
    """The fixed fields of every directory entry, and where its name begins."""
    position, size = _directory_offset(data)
    end = position + size
    count = 0
    while position < end:
        count += 1
        if count > limits.ARCHIVE_ENTRIES:
            raise ProgramRefusedError("archive_too_large", "too many members", _RESAVE)
        if position + _CENTRAL.size > end:
            raise _broken("the directory is cut short")
        fields = _CENTRAL.unpack_from(data, position)
        tail = position + _CENTRAL.size
        position = tail + sum(fields[10:13])
        if fields[0] != b"PK\x01\x02" or position > end:
            raise _broken("the directory is damaged")
        yield fields, tail


def _directory_offset(data: mmap.mmap) -> tuple[int, int]:
    """Offset and size of the central directory."""
    end_at = data.rfind(b"PK\x05\x06", max(0, len(data) - _END.size - _FILL16))
    if end_at < 0 or end_at + _END.size > len(data):
        raise _broken("the archive has no end record; was the file cut short?")
    size, offset = _END.unpack_from(data, end_at)[5:7]
    if _FILL32 in {size, offset}:
        size, offset = _directory_offset64(data, end_at)
    if size > limits.ARCHIVE_DIRECTORY_BYTES:
        raise ProgramRefusedError("archive_too_large", "the directory is too large", _RESAVE)
    if offset + size > end_at:
        raise _broken("the directory lies outside the file")
    return offset, size


def _directory_offset64(data: mmap.mmap, end_at: int) -> tuple[int, int]:
    """Offset and size of the central directory of archives beyond 4 GiB."""
    locator_at = end_at - _END64_LOCATOR.size
    if locator_at < 0:
        raise _broken("the zip64 locator is missing")
    magic, _, record_at, _ = _END64_LOCATOR.unpack_from(data, locator_at)
    if magic != b"PK\x06\x07" or record_at + _END64.size > locator_at:
        raise _broken("the zip64 locator is damaged")
    fields = _END64.unpack_from(data, record_at)
    if fields[0] != b"PK\x06\x06":
        raise _broken("the zip64 end record is damaged")
    return fields[9], fields[8]


def _member(data: mmap.mmap, fields: tuple[int, ...], *, name: bytes, extra: bytes) -> Member:
    """One directory entry, checked against its local header and the size of the file."""
    flags, method, attributes = fields[3], fields[4], fields[15]
    packed, size, header = _sizes(fields, extra)
    if flags & _ENCRYPTED or method not in {_STORED, _DEFLATED}:
        raise _broken("a member is encrypted or packed in an unknown way")
    if (attributes >> 16) & _KIND_BITS == _SYMLINK:
        raise ProgramRefusedError("archive_path", "the archive holds a symbolic link", _RESAVE)
    text = _checked_name(name)
    start = _data_start(data, header, name)
    if start + packed > len(data) or (method == _STORED and packed != size):
        raise _broken(f"{text} claims bytes that the file does not have")
    if size > limits.ARCHIVE_RATIO * max(packed, 1):
        raise ProgramRefusedError("archive_too_large", f"{text} expands too much", _RESAVE)
    return Member(text, method, packed, size, header, start, checksum=fields[7])


def _sizes(fields: tuple[int, ...], extra: bytes) -> tuple[int, int, int]:
    """Compressed size, size and header offset, from the zip64 field if needed."""
    size, packed, header = fields[9], fields[8], fields[16]
    wide = _zip64_field(extra) if _FILL32 in {size, packed, header} else []
    sizes: list[int] = []
    for value in (size, packed, header):
        if value == _FILL32 and not wide:
            raise _broken("a zip64 size is missing")
        sizes.append(wide.pop(0) if value == _FILL32 else value)
    return sizes[1], sizes[0], sizes[2]


def _zip64_field(extra: bytes) -> list[int]:
    """The 64-bit numbers of the zip64 extra field, in their order; empty without one."""
    position = 0
    while position + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, position)
        body = extra[position + 4 : position + 4 + length]
        if kind == 1:
            return [number for (number,) in struct.iter_unpack("<Q", body[: len(body) // 8 * 8])]
        position += 4 + length
    return []


def _checked_name(name: bytes) -> str:
    """The member's name as text; rejected if it could leave the folder."""
    try:
        text = name.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ProgramRefusedError("archive_path", "a name is not UTF-8", _RESAVE) from error
    parts = text.split("/")
    is_invalid = any(character in text for character in "\\\0:") or not text.isprintable()
    if is_invalid or len(text) > limits.ARCHIVE_NAME_CHARACTERS or len(parts) < 2:  # noqa: PLR2004 - root/name
        raise ProgramRefusedError("archive_path", f"the name {text[:80]!r} is odd", _RESAVE)
    if any(part in {"", ".", ".."} for part in parts):
        raise ProgramRefusedError("archive_path", f"the name {text[:80]!r} is odd", _RESAVE)
    return text


def _data_start(data: mmap.mmap, header: int, name: bytes) -> int:
    """Start of a member's bytes; its local header must have the same name."""
    if header + _LOCAL.size > len(data):
        raise _broken("a member lies outside the file")
    fields = _LOCAL.unpack_from(data, header)
    start: int = header + _LOCAL.size + fields[9] + fields[10]
    local_name = data[header + _LOCAL.size : header + _LOCAL.size + fields[9]]
    if fields[0] != b"PK\x03\x04" or local_name != name:
        raise _broken("a member's two headers disagree")
    return start
