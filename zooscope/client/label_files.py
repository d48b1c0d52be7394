"""Label files on the user's machine: CSV, TSV or JSON lines that name images by their paths."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from zooscope.client.errors import ZooClientError

_JSON_LINES = frozenset({".jsonl", ".ndjson"})
_SUFFIXES = frozenset({".csv", ".tsv", *_JSON_LINES})
# Only images and clips leave the machine, whatever else a label file from elsewhere names.
_SENT = frozenset({
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".heic",
    ".heif", ".hif", ".avif", ".mp4", ".m4v", ".mov", ".3gp", ".mpg", ".mpeg", ".webm", ".mkv",
    ".avi", ".ts",
})  # fmt: skip


def is_label_file(path: Path) -> bool:
    """Whether a file may name images and their labels."""
    return path.suffix.lower() in _SUFFIXES


def labeled_members(file: Path) -> list[tuple[str, Path]]:
    """The label file, and every image that it names, by their names in the archive.

    Images below the folder of the file keep their path from there; others get their absolute path
    without its root, so that its end is that in the file.

    Raises:
        ZooClientError: ``no_images``: it names no file; ``broken_label_file``: it cannot be read.
    """
    folder = file.parent.resolve()
    try:
        cells = list(_cells(file))
    except (ValueError, csv.Error) as error:
        raise ZooClientError(
            f"{file} cannot be read: {error}",
            code="broken_label_file",
            remedy="save it in UTF-8, as CSV or with one JSON object a line",
        ) from error
    images: dict[str, Path] = {}
    for cell in cells:
        path = Path(cell.strip().replace("\\", "/"))
        local = path if path.is_absolute() else folder / path
        if local.suffix.lower() in _SENT and _is_file(local):
            images[_name(local, folder)] = local
    if not images:
        raise ZooClientError(
            f"{file} names no file in {folder}",
            code="no_images",
            remedy="put the file into the folder from which its paths start, or send that folder",
        )
    return [(file.name, file), *sorted(images.items())]


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a text too long for a name
        return False


def _name(path: Path, folder: Path) -> str:
    absolute = Path(path.absolute())
    below = absolute.is_relative_to(folder) and ".." not in absolute.relative_to(folder).parts
    start = folder if below else Path(path.resolve().anchor)
    return (absolute if below else path.resolve()).relative_to(start).as_posix()


def _cells(file: Path) -> Iterator[str]:
    """Every text in the file, whatever column it is in."""
    with file.open(encoding="utf-8-sig", newline="") as lines:
        if file.suffix.lower() in _JSON_LINES:
            for line in lines:
                row: Any = json.loads(line) if line.strip() else {}
                if isinstance(row, dict):
                    yield from (value for value in row.values() if isinstance(value, str))
            return
        first = lines.readline()
        delimiter = max(",;\t|", key=first.count)
        lines.seek(0)
        for row in csv.reader(lines, delimiter=delimiter):
            yield from row
