"""Tables of accuracies, scores and facts, read from CSV files; every refusal names its place."""

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from workers.ranking_bench.refusal import TableError

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


def read_table(place: Path, *, scores: Path | None = None, models: Path | None = None) -> Table:
    """A folder with ``accuracy.csv`` and perhaps ``scores.csv`` and ``models.csv``, or a CSV file.

    Files that are named outright take the place of those in the folder. Raises TableError.
    """
    folder = place.is_dir()
    accuracy = place / "accuracy.csv" if folder else place
    if folder and not accuracy.is_file():
        raise TableError(
            "table_missing",
            f"{place} holds no accuracy.csv",
            "name the CSV file, or add accuracy.csv",
        )
    scores = scores or _beside(place, "scores.csv")
    models = models or _beside(place, "models.csv")
    names, targets, values = _wide(accuracy)
    _require_enough(accuracy, names, targets, values)
    return Table(
        place.name if folder else place.stem,
        names,
        targets,
        values,
        _scores(scores, names, targets) if scores is not None else {},
        _facts(models, names) if models is not None else {},
    )


def _beside(place: Path, name: str) -> Path | None:
    return place / name if (place / name).is_file() else None


def _rows(path: Path) -> list[list[str]]:
    """Header and rows, without those that are blank."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise TableError("table_unreadable", f"{path} cannot be read: {error}", "name a CSV file in UTF-8") from error  # fmt: skip
    rows = [[cell.strip() for cell in row] for row in csv.reader(text.splitlines())]
    if not any(any(row) for row in rows[1:]) or not rows:
        raise TableError(
            "table_empty", f"{path} has no rows below its header", "write one row for each model"
        )
    return rows


def _wide(path: Path) -> tuple[tuple[str, ...], tuple[str, ...], Float64[ndarray, "model column"]]:
    """Names in the first column, numbers in the others."""
    header, *rows = _rows(path)
    columns = tuple(header[1:])
    _require_distinct(path, columns, what="column")
    names, values = [], []
    for at, row in enumerate(rows, start=2):
        if not any(row):
            continue
        if len(row) != len(header) or not row[0]:
            raise TableError(
                "table_row",
                f"{path}, row {at}: {len(row)} cells, the first {row[0]!r}; the header has {len(header)}",
                "give every row a name and as many cells as the header; leave unknown cells empty",
            )
        names.append(row[0])
        values.append([_number(path, at, columns[c], cell) for c, cell in enumerate(row[1:])])
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
    for at, name in enumerate(names, start=2):
        first = names.index(name) + 2
        if first != at:
            raise TableError(
                "table_duplicate",
                f"{path}, {what} {at}: {name!r} was already given in {what} {first}",
                f"keep one {what} for each name; average repeated runs first",
            )


def _require_enough(
    path: Path, names: tuple[str, ...], targets: tuple[str, ...], values: ndarray
) -> None:
    known = (~np.isnan(values)).sum(axis=0) if values.size else np.zeros(0)
    full = int((known >= FEWEST_MODELS).sum())
    if full < FEWEST_TARGETS:
        raise TableError(
            "table_small",
            f"{path} has {full} columns with {FEWEST_MODELS} or more accuracies "
            f"({len(names)} models, {len(targets)} targets); {FEWEST_TARGETS} are needed",
            "add targets: each is ranked from what is known of the others",
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
            f"head the file {','.join(SCORE_COLUMNS)}",
        )
    found: dict[str, Float64[ndarray, "model dataset"]] = {}
    seen: dict[tuple[str, ...], int] = {}
    for at, row in enumerate(rows, start=2):
        if any(row):
            _take_score(path, at, dict(zip(header, row, strict=False)), seen)
            cells = dict(zip(header, row, strict=True))
            model = _place(path, at, "model", name=cells["model"], known=models)
            target = _place(path, at, "target", name=cells["target"], known=targets)
            blank = np.full((len(models), len(targets)), np.nan)
            table = found.setdefault(cells["estimator"], blank)
            table[model, target] = _number(path, at, "score", cells["score"])
    return found


def _take_score(
    path: Path, row: int, cells: Mapping[str, str], seen: dict[tuple[str, ...], int]
) -> None:
    """Refuse a row that is short, or that repeats an earlier one."""
    if any(name not in cells for name in SCORE_COLUMNS) or not cells["estimator"]:
        raise TableError(
            "table_row",
            f"{path}, row {row}: a cell is missing",
            f"fill {', '.join(SCORE_COLUMNS)}",
        )
    key = tuple(cells[name] for name in SCORE_COLUMNS[:3])
    if key in seen:
        raise TableError(
            "table_duplicate",
            f"{path}, row {row}: {' × '.join(key)} was already given in row {seen[key]}",
            "keep one score for each model, target and estimator",
        )
    seen[key] = row


def _place(path: Path, row: int, column: str, *, name: str, known: tuple[str, ...]) -> int:
    if name not in known:
        raise TableError(
            "table_unknown_name",
            f"{path}, row {row}, column {column!r}: {name!r} is not in the accuracy table",
            f"use a {column} of the accuracy table, or remove the row",
        )
    return known.index(name)


def _facts(path: Path, models: tuple[str, ...]) -> dict[str, Float64[ndarray, " model"]]:
    """Columns of numbers; a column without a single number describes and is left out."""
    header, *rows = _rows(path)
    numeric = [0] + [at for at in range(1, len(header)) if any(_is_number(r, at) for r in rows)]
    values = {header[at]: np.full(len(models), np.nan) for at in numeric[1:]}
    _require_distinct(path, [row[0] for row in rows if any(row)], what="row")
    for line, row in enumerate(rows, start=2):
        if any(row):
            model = _place(path, line, "model", name=row[0], known=models)
            for at in numeric[1:]:
                cell = row[at] if at < len(row) else ""
                values[header[at]][model] = _number(path, line, header[at], cell)
    return values


def _is_number(row: Sequence[str], at: int) -> bool:
    try:
        return at < len(row) and math.isfinite(float(row[at]))
    except ValueError:
        return False
