"""Tables of accuracies, scores and facts from CSV files; errors name file, row and column."""

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from workers.tools.ranking_bench.refusal import TableError

UNKNOWN = frozenset({"", "na", "n/a", "nan", "null", "none", "-"})
FEWEST_TARGETS, FEWEST_MODELS = 2, 3
SCORE_COLUMNS = ("model", "target", "estimator", "score")


@dataclass(frozen=True)
class Table:
    """Accuracies of models on targets; NaN where unknown.

    Attributes:
        scores: By estimator, in the order of first appearance.
        facts: By name, for instance ``params_million`` and ``upstream_accuracy``.
    """

    name: str
    models: tuple[str, ...]
    targets: tuple[str, ...]
    accuracies: Float64[ndarray, "model dataset"]
    scores: Mapping[str, Float64[ndarray, "model dataset"]] = field(default_factory=dict)
    facts: Mapping[str, Float64[ndarray, " model"]] = field(default_factory=dict)


def read_table(path: Path, *, scores: Path | None = None, models: Path | None = None) -> Table:
    """The table of a CSV file, or of a folder with ``accuracy.csv`` and optional other files.

    ``scores`` and ``models`` override ``scores.csv`` and ``models.csv`` beside it. Raises TableError.
    """
    is_folder = path.is_dir()
    accuracy = path / "accuracy.csv" if is_folder else path
    if is_folder and not accuracy.is_file():
        raise TableError(
            "table_missing",
            f"{path} has no accuracy.csv",
            "pass the CSV file, or add accuracy.csv",
        )
    scores = scores or _beside(path, "scores.csv")
    models = models or _beside(path, "models.csv")
    names, targets, values = _wide(accuracy)
    _require_enough(accuracy, names, targets, values)
    return Table(
        path.name if is_folder else path.stem,
        names,
        targets,
        values,
        _scores(scores, names, targets) if scores is not None else {},
        _facts(models, names) if models is not None else {},
    )


def _beside(path: Path, name: str) -> Path | None:
    return path / name if (path / name).is_file() else None


def _rows(path: Path) -> list[list[str]]:
    """Header and rows of a CSV file."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise TableError("table_unreadable", f"{path} cannot be read: {error}", "pass a CSV file in UTF-8") from error  # fmt: skip
    rows = [[cell.strip() for cell in row] for row in csv.reader(text.splitlines())]
    if not any(any(row) for row in rows[1:]) or not rows:
        raise TableError(
            "table_empty", f"{path} has no rows below its header", "write one row per model"
        )
    return rows


def _wide(path: Path) -> tuple[tuple[str, ...], tuple[str, ...], Float64[ndarray, "model column"]]:
    """Names in the first column, numbers in the others."""
    header, *rows = _rows(path)
    columns = tuple(header[1:])
    _require_distinct(path, columns, what="column")
    names, values = [], []
    for line, row in enumerate(rows, start=2):
        if not any(row):
            continue
        if len(row) != len(header) or not row[0]:
            raise TableError(
                "table_row",
                f"{path}, row {line}: {len(row)} cells, the first {row[0]!r}; the header has {len(header)}",
                "give every row a name and as many cells as the header; leave unknown cells empty",
            )
        names.append(row[0])
        values.append(
            [_number(path, line, columns[index], cell) for index, cell in enumerate(row[1:])]
        )
    _require_distinct(path, names, what="row")
    return tuple(names), columns, np.array(values, dtype=np.float64).reshape(len(names), -1)


def _number(path: Path, row: int, column: str, cell: str) -> float:
    """The number in a cell; NaN for an unknown one."""
    if cell.lower() in UNKNOWN:
        return math.nan
    try:
        value = float(cell)
    except ValueError:
        value = math.inf
    if not math.isfinite(value):
        raise TableError(
            "table_cell",
            f"{path}, row {row}, column {column!r}: {cell!r} is not a finite number",
            "write a number with a decimal point, or leave the cell empty if it is unknown",
        )
    return value


def _require_distinct(path: Path, names: Sequence[str], *, what: str) -> None:
    for number, name in enumerate(names, start=2):
        first = names.index(name) + 2
        if first != number:
            raise TableError(
                "table_duplicate",
                f"{path}, {what} {number}: {name!r} already occurs in {what} {first}",
                f"keep one {what} per name; average repeated runs first",
            )


def _require_enough(
    path: Path, names: tuple[str, ...], targets: tuple[str, ...], values: ndarray
) -> None:
    known_counts = (~np.isnan(values)).sum(axis=0) if values.size else np.zeros(0)
    usable = int((known_counts >= FEWEST_MODELS).sum())
    if usable < FEWEST_TARGETS:
        raise TableError(
            "table_small",
            f"{path} has {usable} columns with {FEWEST_MODELS} or more accuracies "
            f"({len(names)} models, {len(targets)} targets); {FEWEST_TARGETS} are needed",
            "add targets: each is ranked from the accuracies on the others",
        )


def _scores(
    path: Path, models: tuple[str, ...], targets: tuple[str, ...]
) -> dict[str, Float64[ndarray, "model dataset"]]:
    """A long table: model, target, estimator, score."""
    header, *rows = _rows(path)
    missing = [name for name in SCORE_COLUMNS if name not in header]
    if missing:
        raise TableError(
            "table_header",
            f"{path}, row 1: no column {missing[0]!r} among {', '.join(header)}",
            f"start the file with the header {','.join(SCORE_COLUMNS)}",
        )
    tables: dict[str, Float64[ndarray, "model dataset"]] = {}
    rows_by_key: dict[tuple[str, ...], int] = {}
    for line, row in enumerate(rows, start=2):
        if any(row):
            _require_new_score(path, line, dict(zip(header, row, strict=False)), rows_by_key)
            cells = dict(zip(header, row, strict=True))
            model = _index_of(path, line, "model", name=cells["model"], names=models)
            target = _index_of(path, line, "target", name=cells["target"], names=targets)
            blank = np.full((len(models), len(targets)), np.nan)
            table = tables.setdefault(cells["estimator"], blank)
            table[model, target] = _number(path, line, "score", cells["score"])
    return tables


def _require_new_score(
    path: Path, row: int, cells: Mapping[str, str], rows_by_key: dict[tuple[str, ...], int]
) -> None:
    """Raises TableError for a row that is incomplete or repeats an earlier one."""
    if any(name not in cells for name in SCORE_COLUMNS) or not cells["estimator"]:
        raise TableError(
            "table_row",
            f"{path}, row {row}: a cell is missing",
            f"fill {', '.join(SCORE_COLUMNS)}",
        )
    key = tuple(cells[name] for name in SCORE_COLUMNS[:3])
    if key in rows_by_key:
        raise TableError(
            "table_duplicate",
            f"{path}, row {row}: {' × '.join(key)} already occurs in row {rows_by_key[key]}",
            "keep one score per model, target and estimator",
        )
    rows_by_key[key] = row


def _index_of(path: Path, row: int, column: str, *, name: str, names: tuple[str, ...]) -> int:
    if name not in names:
        raise TableError(
            "table_unknown_name",
            f"{path}, row {row}, column {column!r}: {name!r} is not in the accuracy table",
            f"use a {column} of the accuracy table, or remove the row",
        )
    return names.index(name)


def _facts(path: Path, models: tuple[str, ...]) -> dict[str, Float64[ndarray, " model"]]:
    """Numeric columns by name; columns without any number are ignored."""
    header, *rows = _rows(path)
    numeric = [0] + [
        column for column in range(1, len(header)) if any(_is_number(r, column) for r in rows)
    ]
    values = {header[column]: np.full(len(models), np.nan) for column in numeric[1:]}
    _require_distinct(path, [row[0] for row in rows if any(row)], what="row")
    for line, row in enumerate(rows, start=2):
        if any(row):
            model = _index_of(path, line, "model", name=row[0], names=models)
            for column in numeric[1:]:
                cell = row[column] if column < len(row) else ""
                values[header[column]][model] = _number(path, line, header[column], cell)
    return values


def _is_number(row: Sequence[str], column: int) -> bool:
    try:
        return column < len(row) and math.isfinite(float(row[column]))
    except ValueError:
        return False
