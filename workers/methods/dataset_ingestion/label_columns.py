"""Which column of a table holds the labels, and what its values say."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from service.core.file_names import normalized, printable
from workers.methods.dataset_ingestion.entries import Label, refused

LABEL_COLUMNS = (
    "label", "labels", "fine_label", "target", "targets", "class", "classes", "cls", "category",
    "categories", "class_name", "label_name", "class_id", "label_id", "coarse_label", "tags",
)  # fmt: skip
"""Usual names of a column of labels; the first of them counts."""

MOST_SHOWN = 20
_MOST_OF_A_VALUE = 80


def label_column(names: Sequence[str], *, wanted: str | None, file: str = "") -> str | None:
    """The column of the labels: the wanted one, else the first of the usual names; None if none.

    Raises:
        RefusedUploadError: ``unknown_column``: the wanted one is not there.
    """
    if wanted is not None:
        require_column(names, wanted, file=file, option="label_column")
        return wanted
    by_lower_case = {name.lower(): name for name in reversed(names)}
    usual = (form for name in LABEL_COLUMNS for form in (name, f"{name}.name"))
    return next((by_lower_case[form] for form in usual if form in by_lower_case), None)


def require_column(names: Sequence[str], wanted: str, *, file: str, option: str) -> None:
    """Refuses a column that is not there. Raises RefusedUploadError: ``unknown_column``."""
    if wanted not in names:
        where = f" of {file}" if file else ""
        raise refused(
            "unknown_column",
            f"no column {wanted!r} among the columns{where}: {', '.join(names[:MOST_SHOWN])}",
            f"set `{option}` (`--{option.replace('_', '-')}`) to one of them",
        )


def ambiguous_columns(names: Sequence[str], *, file: str) -> Exception:
    """The refusal of a table with several columns that could hold the labels."""
    return refused(
        "ambiguous_labels",
        f"any of the columns {', '.join(names[:MOST_SHOWN])} of {file} could hold the labels",
        "set `label_column` (`--label-column`) to one of them",
    )


def label_of(value: Any, names: Sequence[str] | None) -> Label:
    """The label that a value means; integers count into ``names`` where there are any.

    A list means several labels, a record the one that its ``name`` says. None for what means no
    label: nothing, NaN, -1, empty text.

    Raises:
        RefusedUploadError: ``labels_unclear``: a record without a name, or bytes that are no text.
    """
    if isinstance(value, list | tuple):
        labels = [label for item in value if isinstance(label := label_of(item, names), str)]
        return tuple(dict.fromkeys(labels))
    if isinstance(value, dict):
        return label_of(_name_in(value), names)
    if isinstance(value, bytes):
        value = _text_in(value)
    if isinstance(value, float) and (math.isnan(value) or value.is_integer()):
        value = None if math.isnan(value) else int(value)
    if isinstance(value, bool):
        return str(value).lower()
    if value is None or (isinstance(value, int) and value < 0):
        return None
    if names is not None and isinstance(value, int) and value < len(names):
        return names[value]
    return normalized(printable(str(value)).strip()) or None


def require_no_marks(values: Iterable[Any], *, column: str) -> None:
    """Refuses lists that say of every class whether an image has it, such as [0, 0, 1].

    Read as several labels, they would give almost every image the classes 0 and 1.

    Raises:
        RefusedUploadError: ``labels_unclear``.
    """
    lists = [value for value in values if value is not None]
    if not lists or not all(isinstance(value, list) and _are_marks(value) for value in lists):
        return
    are_bools = any(isinstance(mark, bool) for value in lists for mark in value)
    repeat = any(len(set(value)) < len(value) for value in lists)
    if are_bools or (repeat and len({len(value) for value in lists}) == 1):
        raise refused(
            "labels_unclear",
            f"the lists of {column} say of every class whether an image has it,"
            f" such as {str(lists[0])[:_MOST_OF_A_VALUE]}",
            "write the names or the numbers of the classes that an image has",
        )


def _are_marks(value: Sequence[Any]) -> bool:
    return bool(value) and all(isinstance(mark, int | float) and mark in (0, 1) for mark in value)


def _name_in(record: Mapping[str, Any]) -> str:
    name = record.get("name")
    if not isinstance(name, str):
        raise refused(
            "labels_unclear",
            f"the label {str(record)[:_MOST_OF_A_VALUE]} is a record without a name",
            "write the name of the class, or the list of names",
        )
    return name


def _text_in(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise refused(
            "labels_unclear",
            f"the label {value[:_MOST_OF_A_VALUE]!r} is no text in UTF-8",
            "write labels as text or numbers, or choose another `label_column`",
        ) from error
