"""Rows of CSV, TSV or JSON-lines files that name files of the upload."""

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any, TypeVar

from service.core.counts import plural
from service.core.errors import ZooError
from service.core.file_names import printable
from service.core.manifest import NameEncoding
from service.core.strict_json import SHORT, parse_json
from workers.methods.dataset_ingestion.entries import ArchiveEntry, ImageProblem, refused
from workers.methods.dataset_ingestion.image_names import ImageNames
from workers.methods.dataset_ingestion.splits import split_column
from workers.methods.dataset_ingestion.zip_names import decoded

_JSON_SUFFIXES = frozenset({".jsonl", ".ndjson"})
_DELIMITERS = ",;\t|"
_SAMPLE = 1000
_SHOWN = 3
_MISSING = {"image": "missing_image", "clip": "missing_clip"}
_AMBIGUOUS = {"image": "ambiguous_image", "clip": "ambiguous_clip"}
_PREAMBLE = re.compile(r"sep=.\s*$|#\s|\s*$", re.IGNORECASE)

Column = TypeVar("Column", int, str)
NamesFile = Callable[[str], bool]
"""Whether a text names a file of the upload."""


@dataclass(frozen=True)
class NamedRows:
    """The rows of a file that name files of the upload, in the column ``paths``."""

    file: PurePosixPath
    columns: list[str]
    rows: Sequence[Mapping[str, Any]]
    paths: str

    @cached_property
    def split(self) -> str | None:
        """The column that divides the set, if any."""
        cells: dict[str, list[Any]] = {name: [] for name in self.columns if name != self.paths}
        for row in self.rows:
            for name, value in row.items():
                if name in cells:
                    cells[name].append(value)
        return split_column(cells)


def named_rows(
    entry: ArchiveEntry, files: ImageNames, encoding: NameEncoding | None
) -> NamedRows | None:
    """The rows of a CSV, TSV or JSON-lines file; None if it names no file of the upload.

    Raises:
        ImageProblemError: It cannot be read.
        RefusedUploadError: ``broken_label_file``.
    """
    return _rows_naming(
        entry, encoding, lambda text: files.resolve(text, entry.path.parent) is not None
    )


def ambiguous_rows(
    entry: ArchiveEntry, files: ImageNames, encoding: NameEncoding | None
) -> NamedRows | None:
    """The rows of a file whose names, with suffixes, fit several files of the upload; else None.

    Raises:
        ImageProblemError: It cannot be read.
        RefusedUploadError: ``broken_label_file``.
    """

    def fits_several(text: str) -> bool:
        named = files.named(text, entry.path.parent)
        return len(named) > 1 and text.strip().endswith(PurePosixPath(named[0]).suffix)

    return _rows_naming(entry, encoding, fits_several)


def unresolved_row(
    name: str, table: PurePosixPath, fitting: Sequence[str], *, noun: str
) -> ImageProblem:
    """The problem of a row whose name fits no file of the upload, or several."""
    if not fitting:
        detail = f"{table} names it, and the upload has no such {noun}"
        return ImageProblem(name, _MISSING[noun], detail, f"add the {noun}, or remove its row")
    names = ", ".join(fitting[:_SHOWN]) + (" and others" if len(fitting) > _SHOWN else "")
    detail = f"{table} names it, and several {plural(noun)} of the upload fit: {names}"
    remedy = f"write the path of the {noun} in the upload, such as {fitting[0]}"
    return ImageProblem(name, _AMBIGUOUS[noun], detail, remedy)


def _rows_naming(
    entry: ArchiveEntry, encoding: NameEncoding | None, names_file: NamesFile
) -> NamedRows | None:
    text = text_of(entry, encoding)
    is_json = entry.path.suffix.lower() in _JSON_SUFFIXES
    return (_json_table if is_json else _csv_table)(entry.path, text, names_file)


def text_of(entry: ArchiveEntry, encoding: NameEncoding | None) -> str:
    """The text of a file. Raises RefusedUploadError: ``broken_label_file``."""
    data = entry.read()
    # Excel's "Unicode text".
    codec = (
        "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    )
    try:
        return data.decode(codec)
    except UnicodeDecodeError:
        if encoding is not None:
            return decoded(data, encoding)
    raise refused(
        "broken_label_file", f"{entry.name} is not UTF-8", "save it in UTF-8, or set `encoding`"
    )


def _csv_table(file: PurePosixPath, text: str, names_file: NamesFile) -> NamedRows | None:
    """The rows by column; the column of the names is the one that names most images."""
    text = _without_preamble(text)
    try:
        reader = csv.reader(io.StringIO(text, newline=""), _dialect(text))
        rows = [[printable(cell) for cell in row] for row in reader if row]
    except csv.Error as error:
        raise refused("broken_label_file", f"{file}: {error}", "save it as CSV again") from error
    hits = _hits([enumerate(row) for row in rows], names_file)
    if not hits:
        return None
    paths = min(hits, key=lambda index: (-hits[index], index))
    width = max(map(len, rows))
    is_headless = len(rows[0]) > paths and names_file(rows[0][paths])
    columns = [str(index + 1) for index in range(width)] if is_headless else _unique(rows[0])
    body = rows if is_headless else rows[1:]
    return NamedRows(
        file, columns, [dict(zip(columns, row, strict=False)) for row in body], columns[paths]
    )


def _without_preamble(text: str) -> str:
    """The text without the line that tells Excel the delimiter, and without comments above the rows."""
    lines = text.lstrip().splitlines(keepends=True)
    start = next((i for i, line in enumerate(lines) if not _PREAMBLE.match(line)), len(lines))
    return "".join(lines[start:])


def _dialect(text: str) -> type[csv.Dialect]:
    """The delimiter that occurs most in the first line, a comma without any; which quotes there are."""
    first, _, rest = text.lstrip().partition("\n")
    rows = [line for line in rest.splitlines() if line.strip()]

    class Dialect(csv.excel):
        delimiter = max(_DELIMITERS, key=first.count)
        quotechar = "'" if rows and all(line.startswith("'") for line in rows) else '"'
        skipinitialspace = True

    return Dialect


def _unique(header: Sequence[str]) -> list[str]:
    """The names of the columns; a nameless or repeated one is called by its number."""
    names: dict[str, None] = {}
    for index, cell in enumerate(header, start=1):
        name = cell.strip()
        names[name if name and name not in names else str(index)] = None
    return list(names)


def _json_table(file: PurePosixPath, text: str, names_file: NamesFile) -> NamedRows | None:
    rows = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = parse_json(line.encode(), SHORT)
        except ZooError as error:
            detail = f"{file}, line {number}: {error.detail}"
            raise refused("broken_label_file", detail, "write one JSON object a line") from error
        if isinstance(row, dict):
            rows.append(_flat(_printable(row)))
    columns = list(dict.fromkeys(name for row in rows for name in row))
    hits = _hits([row.items() for row in rows], names_file)
    if not hits:
        return None
    return NamedRows(file, columns, rows, max(columns, key=hits.__getitem__))


def _hits(rows: Sequence[Iterable[tuple[Column, Any]]], names_file: NamesFile) -> Counter[Column]:
    """How many of the first rows name a file in each column; of all rows if no first one does.

    A table of a whole set can list the files of an upload that holds a part of it far below.
    """
    for part in (rows[:_SAMPLE], rows[_SAMPLE:]):
        hits = Counter(
            column
            for row in part
            for column, value in row
            if isinstance(value, str) and names_file(value)
        )
        if hits:
            return hits
    return Counter()


def _printable(value: Any) -> Any:
    """The value with printable text; JSON can escape lone surrogates and controls."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {printable(name): _printable(item) for name, item in value.items()}
    return [_printable(item) for item in value] if isinstance(value, list) else value


def _flat(row: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """The row with a record in it as several columns, such as ``image.path``."""
    columns: dict[str, Any] = {}
    for name, value in row.items():
        inner = _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {}
        columns |= inner or {f"{prefix}{name}": value}
    return columns
