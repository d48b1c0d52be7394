"""Label files: CSV, TSV or JSON lines that name images of the upload and give their labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from service.core.counts import counted
from service.core.manifest import DatasetManifest
from workers.methods.dataset_ingestion.entries import ArchiveEntry, Label
from workers.methods.dataset_ingestion.image_names import ImageNames
from workers.methods.dataset_ingestion.label_columns import (
    ambiguous_columns,
    label_column,
    label_of,
    require_no_marks,
)
from workers.methods.dataset_ingestion.named_rows import NamedRows, named_rows
from workers.methods.dataset_ingestion.splits import split_kind, split_of

_SEPARATORS = ("|", ";")
_MARKS = {"0": False, "1": True, "0.0": False, "1.0": True, "-1": False, "-1.0": False}
_PAIR = 2


@dataclass(frozen=True)
class LabeledName:
    """What one row says: the image as the file names it, its label, its split if any."""

    name: str
    label: Label
    split: str | None


@dataclass(frozen=True)
class LabelTable:
    """The rows of a label file, the column of the labels in words, the classes if it states them."""

    file: PurePosixPath
    column: str
    rows: tuple[LabeledName, ...]
    classes: tuple[str, ...] | None

    @property
    def folder(self) -> PurePosixPath:
        """The folder from which the file names images."""
        return self.file.parent


def read_label_file(
    entry: ArchiveEntry, images: ImageNames, manifest: DatasetManifest
) -> LabelTable | None:
    """The labels in a file; None if it names no image of the upload or has no labels.

    Raises:
        ImageProblemError: It cannot be read.
        RefusedUploadError: ``broken_label_file``, ``ambiguous_labels`` or ``unknown_column``.
    """
    table = named_rows(entry, images, manifest.encoding)
    if table is None:
        return None
    others = [name for name in table.columns if name not in {table.paths, table.split}]
    column = label_column(others, wanted=manifest.label_column, file=entry.name)
    if column is None and len(others) == 1 and _is_for_labels(table):
        column = others[0]
    if column is not None:
        values = [row.get(column) for row in table.rows]
        require_no_marks(values, column=f"the column {column} of {entry.name}")
        labels = _labels(values)
        return _label_table(table, f"column {column}", labels)
    if len(others) >= _PAIR and _are_marks(table.rows, others):
        marked = [
            tuple(name for name in others if _MARKS[str(row[name]).strip()]) for row in table.rows
        ]
        described = f"{counted(len(others), 'column')} of marks, {others[0]} to {others[-1]},"
        return _label_table(table, described, marked, classes=tuple(others))
    if len(others) > 1 and _is_for_labels(table):
        raise ambiguous_columns(others, file=entry.name)
    return None


def _is_for_labels(table: NamedRows) -> bool:
    """Whether a file without a column of a usual name holds labels and nothing else."""
    return table.file.stem.lower().startswith("label") or table.columns[0] == "1"


def _are_marks(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> bool:
    """Whether every column says of one class whether the image has it."""
    return all(str(row.get(name)).strip() in _MARKS for row in rows for name in names)


def _labels(values: Sequence[Any]) -> list[Label]:
    """Labels; text with ``|`` or ``;`` holds several, and then every row does."""
    separator = next(
        (
            mark
            for mark in _SEPARATORS
            if any(mark in value for value in values if isinstance(value, str))
        ),
        None,
    )
    if separator is None:
        return [label_of(value, None) for value in values]
    return [label_of(str(value or "").split(separator), None) for value in values]


def _label_table(
    table: NamedRows,
    column: str,
    labels: Sequence[Label],
    *,
    classes: tuple[str, ...] | None = None,
) -> LabelTable:
    of_file = table.file.stem if split_kind(table.file.stem) is not None else None
    rows = tuple(
        LabeledName(str(row.get(table.paths)), label, _split(row, table.split) or of_file)
        for row, label in zip(table.rows, labels, strict=True)
    )
    return LabelTable(table.file, column, rows, classes)


def _split(row: Mapping[str, Any], column: str | None) -> str:
    return "" if column is None else split_of(column, row.get(column))
