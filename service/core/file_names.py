"""Names of files, alike over every API: Unicode in NFC, without control characters.

A name is UTF-8 on the wire. ``filename*`` (RFC 8187) wins over ``filename``. The rule for folders
depends on what the name is for: ``file_name`` keeps the last part of a path, ``relative_name``
keeps the folders, which are labels, and refuses a path that leaves its folder.
"""

import re
import unicodedata
from collections.abc import Mapping
from urllib.parse import quote, unquote_to_bytes

from service.core.errors import InvalidRequestError

LONGEST_NAME = 300
LONGEST_PATH = 500
# Controls, lone surrogates, line and paragraph separators, and marks that reorder what is shown.
_FORBIDDEN_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})
_REORDERING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Parts of words in Arabic and Indic scripts, and of combined emoji.
_JOINERS = "\u200c\u200d"
_PARAMETER = re.compile(
    rb';[ \t]*(?P<name>[^\s=;"]+)[ \t]*=[ \t]*(?:"(?P<quoted>(?:[^"\\]|\\.)*+)"|(?P<bare>[^;\s]*))',
    re.DOTALL,
)
_ESCAPED = re.compile(rb'\\(["\\])')
_BROWSER_ESCAPES: Mapping[bytes, bytes] = {b"%22": b'"', b"%0D": b"\r", b"%0A": b"\n"}
_SAFE_IN_HEADER = re.compile(r"[^A-Za-z0-9._-]")
_REMEDY = "rename the file; names are UTF-8 without control characters"


def normalized(text: str) -> str:
    """The text in Unicode's normal form C, in which equal names have equal bytes."""
    return unicodedata.normalize("NFC", text)


def is_visible(name: str) -> bool:
    """Whether a name shows something, and all of it: printable, not blank, nothing invisible but joiners."""
    hidden = [c for c in name if unicodedata.category(c) == "Cf" and c not in _JOINERS]
    return (
        is_printable(name)
        and not hidden
        and not name.strip(_JOINERS).isspace()
        and bool(name.strip(_JOINERS))
    )


def is_printable(name: str) -> bool:
    """Whether a name has no control character and nothing that reorders or breaks a line."""
    return not any(
        unicodedata.category(character) in _FORBIDDEN_CATEGORIES or character in _REORDERING
        for character in name
    )


def printable(text: str) -> str:
    """The text with a space for everything that ``is_printable`` refuses."""
    if text.isprintable():
        return text
    return "".join(c if is_printable(c) else " " for c in text)


def file_name(name: str) -> str:
    """The last part of a name, in NFC; an empty name stays empty.

    Raises:
        InvalidRequestError: ``invalid_file_name``: it has control characters or is too long.
    """
    last = _checked(name, longest=LONGEST_PATH).replace("\\", "/").rpartition("/")[2]
    if len(last) > LONGEST_NAME or last == "..":
        raise invalid_file_name(name, f"it is no file name of up to {LONGEST_NAME} characters")
    return last


def relative_name(name: str) -> str:
    """A path inside an upload, in NFC, with ``/`` between its parts.

    Raises:
        InvalidRequestError: ``invalid_file_name``: it is empty or too long, leaves its folder, or
            has control characters.
    """
    path = _checked(name, longest=LONGEST_PATH).replace("\\", "/")
    parts = [part for part in path.split("/") if part not in {"", "."}]
    if not parts or ".." in parts:
        raise invalid_file_name(name, "it is empty or leaves its folder")
    return "/".join(parts)


def invalid_file_name(name: str, reason: str) -> InvalidRequestError:
    """The error for a file name."""
    return InvalidRequestError(
        f"the file name {name[:80]!r} is refused: {reason}",
        code="invalid_file_name",
        remedy=_REMEDY,
    )


def disposition_parameters(header: bytes) -> dict[str, str]:
    """The parameters of a Content-Disposition header, such as ``name`` and ``filename``.

    ``filename*`` replaces ``filename``. Browsers send quotes and line ends as ``%22``, ``%0D`` and
    ``%0A``, other clients with a backslash.

    Raises:
        InvalidRequestError: ``invalid_file_name``: a value is not UTF-8.
    """
    values: dict[str, str] = {}
    extended: dict[str, str] = {}
    for match in _PARAMETER.finditer(header):
        name = match["name"].decode("ascii", "replace").lower()
        if name.endswith("*"):
            extended[name[:-1]] = _extended(match["bare"] or match["quoted"] or b"")
        else:
            values[name] = _plain(match)
    return values | extended


def content_disposition(name: str) -> str:
    """The header of a download: an ASCII name for old clients, and the name itself."""
    plain = _SAFE_IN_HEADER.sub("_", name)
    header = f'attachment; filename="{plain}"'
    if plain == name:
        return header
    return f"{header}; filename*=UTF-8''{quote(name.encode('utf-8', 'replace'), safe='')}"


def _checked(name: str, *, longest: int) -> str:
    text = normalized(name)
    if not is_printable(text):
        raise invalid_file_name(name, "it has control characters")
    if len(text) > longest:
        raise invalid_file_name(name, f"it is longer than {longest} characters")
    return text


def _plain(match: re.Match[bytes]) -> str:
    """The value of an ordinary parameter."""
    if match["quoted"] is None:
        return _utf8(match["bare"])
    value = _ESCAPED.sub(rb"\1", match["quoted"])
    for escape, character in _BROWSER_ESCAPES.items():
        value = value.replace(escape, character)
    return _utf8(value)


def _extended(value: bytes) -> str:
    """The value of ``filename*``: charset, language and percent-encoded bytes."""
    charset, _, rest = value.partition(b"'")
    if charset.lower() != b"utf-8" or b"'" not in rest:
        raise invalid_file_name(_shown(value), "`filename*` is not UTF-8''…")
    return _utf8(unquote_to_bytes(rest.partition(b"'")[2]))


def _utf8(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        raise invalid_file_name(_shown(value), "it is not UTF-8") from None


def _shown(value: bytes) -> str:
    return value.decode("utf-8", "replace")
