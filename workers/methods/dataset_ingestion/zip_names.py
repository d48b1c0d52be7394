"""Names of a zip's members, also of those that were packed without UTF-8.

A zip says of each name whether it is UTF-8; other names are in the code page of the machine that
packed them, which no field states. It is then derived from the names of all members together: they
must be words of its language, since almost every sequence of bytes is valid in some code page.
"""

import re
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from service.core.manifest import NameEncoding

_UTF8_FLAG = 0x800
_FIELD = struct.Struct("<2H")
_UNICODE_PATH = 0x7075
# What Windows calls by the names of the standards is a superset of them.
_CODECS: Mapping[NameEncoding, str] = {
    NameEncoding.SHIFT_JIS: "cp932",
    NameEncoding.EUC_KR: "cp949",
}
_FOREIGN = re.compile(r"[^\x00-\x7f]+")
# From here on a character has three bytes in UTF-8, which other encodings hardly resemble.
_THREE_BYTES = "\u0800"
_COMMON_HANZI = range(0xB0, 0xD8)
_COMMON_BIG5 = range(0xA4, 0xC7)
# The letters that make up most of Russian, Ukrainian and Bulgarian text.
_USUAL_CYRILLIC = frozenset("оеаинтсрвлкмдпуяі")


@dataclass(frozen=True)
class MemberNames:
    """The names of all members, and the encoding of those that are not marked as UTF-8.

    ``encoding`` is None if all others are ASCII; ``example`` is one of the names in it.
    """

    names: tuple[str, ...]
    encoding: NameEncoding | None
    example: str


def member_names(infos: Sequence[zipfile.ZipInfo], encoding: NameEncoding | None) -> MemberNames:
    """The names in the given encoding, or in the one that they seem to be in.

    A name that is marked as UTF-8, or repeated in the Unicode field of Info-ZIP, is read as such.
    """
    marked = [_marked_name(info) for info in infos]
    legacy = {
        index: info.orig_filename.encode("cp437")
        for index, (info, name) in enumerate(zip(infos, marked, strict=True))
        if name is None and not info.orig_filename.isascii()
    }
    if legacy:
        encoding = encoding or detected_encoding(list(legacy.values()))
        for index, name in legacy.items():
            marked[index] = decoded(name, encoding)
    names = tuple(
        info.orig_filename if name is None else name
        for info, name in zip(infos, marked, strict=True)
    )
    example = names[next(iter(legacy))] if legacy else ""
    return MemberNames(names, encoding if legacy else None, example)


def decoded(name: bytes, encoding: NameEncoding) -> str:
    """The name; bytes that the encoding does not have become lone surrogates."""
    return name.decode(_codec(encoding), "surrogateescape")


def detected_encoding(names: Sequence[bytes]) -> NameEncoding:
    """The encoding in which the names are words; code page 437, as the format says, without one."""
    if _are_words(names, NameEncoding.UTF_8, lambda _: True) and not (
        _are_words(names, NameEncoding.UTF_8, _is_no_word)
        and _are_words(names, NameEncoding.GBK, _is_common_chinese)
    ):
        return NameEncoding.UTF_8
    fitting = (encoding for encoding, test in _WORDS if _are_words(names, encoding, test))
    return next(fitting, NameEncoding.CP437)


def _marked_name(info: zipfile.ZipInfo) -> str | None:
    """The name whose encoding the zip states; None if it states none."""
    if info.flag_bits & _UTF8_FLAG:
        return info.orig_filename
    field = _unicode_field(info.extra, info.orig_filename.encode("cp437"))
    return None if field is None else field.decode("utf-8", "surrogateescape")


def _unicode_field(extra: bytes, legacy: bytes) -> bytes | None:
    """The name in the field 0x7075 of Info-ZIP, if it belongs to the name in the directory."""
    while len(extra) >= _FIELD.size:
        kind, length = _FIELD.unpack_from(extra)
        body, extra = extra[_FIELD.size : _FIELD.size + length], extra[_FIELD.size + length :]
        if kind == _UNICODE_PATH and body[1:5] == zlib.crc32(legacy).to_bytes(4, "little"):
            return body[5:]
    return None


def _codec(encoding: NameEncoding) -> str:
    return _CODECS.get(encoding, encoding.value)


def _are_words(
    names: Sequence[bytes], encoding: NameEncoding, test: Callable[[str], bool]
) -> bool:
    """Whether every name is valid in the encoding and passes the test."""
    try:
        return all(test(name.decode(_codec(encoding))) for name in names)
    except UnicodeDecodeError:
        return False


def _foreign_letters(text: str) -> str:
    return "".join(_FOREIGN.findall(text))


def _is_common_chinese(text: str) -> bool:
    """Whether the foreign characters are those of GB 2312, most of them from its common half."""
    try:
        rows = [character.encode("gb2312")[0] for character in _foreign_letters(text)]
    except UnicodeEncodeError:
        return False
    return 2 * sum(row in _COMMON_HANZI for row in rows) >= len(rows)


def _is_japanese(text: str) -> bool:
    """Whether the foreign characters are full-width kana or kanji, apart from Latin letters."""
    if any(not _is_script(run, ("CJK", "HIRAGANA", "KATAKANA")) for run in _FOREIGN.findall(text)):
        return False
    return not any(_touches_latin(text, run) for run in _FOREIGN.finditer(text))


def _is_latin(text: str) -> bool:
    return _is_script(_foreign_letters(text), ("LATIN",))


def _is_no_word(text: str) -> bool:
    """Whether foreign characters are accents without other letters around them, or mixed scripts.

    No word of a European language is; two bytes of another encoding may look so.
    """
    scripts = {
        unicodedata.name(character, "").split(" ")[0] for character in _foreign_letters(text)
    }
    if scripts == {"LATIN"}:
        return not any(_touches_latin(text, run) for run in _FOREIGN.finditer(text))
    return len(scripts) != 1 and max(_foreign_letters(text), default="") < _THREE_BYTES


def _is_cyrillic(text: str) -> bool:
    """Whether the foreign characters are words of Cyrillic letters, most of them the usual ones."""
    letters = _foreign_letters(text)
    usual = sum(letter in _USUAL_CYRILLIC for letter in letters.lower())
    is_mixed = any(_touches_latin(text, run) for run in _FOREIGN.finditer(text))
    return _is_script(letters, ("CYRILLIC",)) and not is_mixed and 3 * usual >= 2 * len(letters)


def _is_common_traditional(text: str) -> bool:
    """Whether the foreign characters are Chinese, most of them from the common half of Big5."""
    letters = _foreign_letters(text)
    rows = [character.encode("big5")[0] for character in letters]
    common = sum(row in _COMMON_BIG5 for row in rows)
    return _is_script(letters, ("CJK",)) and 2 * common >= len(letters)


def _is_accented_latin(text: str) -> bool:
    """Whether the foreign characters are Latin letters in words of ASCII letters."""
    runs = list(_FOREIGN.finditer(text))
    return _is_latin(text) and all(_touches_latin(text, run) for run in runs)


def _is_ideographic(text: str) -> bool:
    return _is_script(_foreign_letters(text), ("CJK",))


def _is_script(text: str, scripts: tuple[str, ...]) -> bool:
    """Whether every character is a letter of one of the scripts."""
    return all(
        unicodedata.category(character)[0] == "L"
        and unicodedata.name(character, "").startswith(scripts)
        for character in text
    )


def _touches_latin(text: str, run: re.Match[str]) -> bool:
    """Whether an ASCII letter stands right before or after the run."""
    neighbors = text[max(0, run.start() - 1) : run.start()] + text[run.end() : run.end() + 1]
    return any(character.isalpha() for character in neighbors)


_WORDS: tuple[tuple[NameEncoding, Callable[[str], bool]], ...] = (
    (NameEncoding.GBK, _is_common_chinese),
    (NameEncoding.SHIFT_JIS, _is_japanese),
    (NameEncoding.CP437, _is_latin),
    (NameEncoding.CP850, _is_latin),
    (NameEncoding.CP866, _is_cyrillic),
    (NameEncoding.CP1251, _is_cyrillic),
    (NameEncoding.CP1252, _is_accented_latin),
    (NameEncoding.BIG5, _is_common_traditional),
    (NameEncoding.GBK, _is_ideographic),
)
