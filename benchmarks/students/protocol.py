"""Rows by seeds: measured one at a time, kept at once, and written into the method's page."""

import argparse
import fcntl
import json
import math
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from benchmarks.real_run import environment
from benchmarks.students.scenes import Numbers
from benchmarks.students.teaching import CACHE

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "docs" / "results"
NOT_MEASURED = "not measured"
_SEEDS = 3


@dataclass(frozen=True)
class StudyRow:
    """A line of a table.

    Attributes:
        key: For the command line and the file of results.
        title: In the table.
        measure: Named numbers of one seed.
    """

    key: str
    title: str
    measure: Callable[[int], Numbers]


@dataclass(frozen=True)
class Column:
    """A column: mean ± deviation over seeds of one named number, blank where no row has it.

    Attributes:
        low: The number that holds the lower end of its 95 % interval within a seed; that of all
            seeds together is shown in brackets.
    """

    title: str
    key: str
    digits: int = 3
    low: str | None = None


class Results:
    """What was measured for a table: numbers by row and seed."""

    def __init__(self, rows: Mapping[str, Mapping[str, Numbers]]) -> None:
        self._rows = rows

    def values(self, row: str, key: str) -> dict[str, float]:
        """The number of every seed that has it."""
        seeds = self._rows.get(row, {})
        return {seed: numbers[key] for seed, numbers in seeds.items() if key in numbers}

    def mean(self, row: str, key: str) -> float:
        """Over seeds. Raises LookupError where there is none."""
        values = self.values(row, key)
        if not values:
            raise LookupError(row)
        return statistics.fmean(values.values())

    def worst(self, row: str, key: str) -> float:
        """The largest over seeds. Raises LookupError where there is none."""
        values = self.values(row, key)
        if not values:
            raise LookupError(row)
        return max(values.values())

    def lead(self, row: str, over: str, key: str) -> float:
        """Mean difference of two rows over the seeds that both have. Raises LookupError."""
        own, other = self.values(row, key), self.values(over, key)
        both = [own[seed] - other[seed] for seed in own if seed in other]
        if not both:
            raise LookupError(over)
        return statistics.fmean(both)


@dataclass(frozen=True)
class Bound:
    """A threshold that is checked and reported: ``value`` must lie in [low, high]."""

    words: str
    value: Callable[[Results], float]
    low: float = -float("inf")
    high: float = float("inf")


@dataclass(frozen=True)
class StudyTable:
    """A table of the page between ``<!-- measured: name -->`` and ``<!-- end -->``.

    Attributes:
        words: Dataset, networks and whatever else the figures depend on.
        page: Below docs; None is the page of the method that the protocol is named after.
    """

    name: str
    rows: tuple[StudyRow, ...]
    columns: tuple[Column, ...]
    words: str
    bounds: tuple[Bound, ...] = ()
    page: str | None = None


@dataclass(frozen=True)
class Study:
    """What ``python -m benchmarks.<name>`` measures."""

    name: str
    tables: tuple[StudyTable, ...]

    @property
    def results(self) -> Path:
        """All numbers by table, row and seed."""
        return RESULTS / f"{self.name}.json"

    def page_of(self, table: StudyTable) -> Path:
        """The page that shows it."""
        return ROOT / "docs" / (table.page or f"methods/{self.name}.md")


def main(protocol: Study) -> None:
    """Measure what is asked for and not there yet, then write the tables again."""
    options = _arguments(protocol)
    torch.set_num_threads(1)
    for table in protocol.tables:
        if options.tables and table.name not in options.tables:
            continue
        for row in table.rows:
            if not options.page_only and (not options.rows or row.key in options.rows):
                _measure(protocol, table, row, options)
    write_tables(protocol)


def _measure(
    protocol: Study, table: StudyTable, row: StudyRow, options: argparse.Namespace
) -> None:
    for seed in options.seeds:
        measured = _read(protocol).get(table.name, {}).get(row.key, {})
        if str(seed) in measured and not options.again:
            continue
        began, busy = time.monotonic(), time.process_time()
        numbers = row.measure(seed)
        spent = {
            "seconds": time.monotonic() - began,
            "cpu_seconds": time.process_time() - busy,
        }
        entry = {name: round(value, 5) for name, value in (numbers | spent).items()}
        with _changed(protocol) as everything:
            everything.setdefault(table.name, {}).setdefault(row.key, {})[str(seed)] = entry
            everything["surroundings"] = environment.describe(ROOT)
        print(f"{table.name} {row.key} {seed}: {_short(table, entry)}", flush=True)


def _short(table: StudyTable, entry: Numbers) -> str:
    cells = [
        f"{column.key} {entry[column.key]:.4f}" for column in table.columns if column.key in entry
    ]
    return ", ".join([*cells, f"{entry['cpu_seconds']:.1f} CPU-s"])


def _read(protocol: Study) -> dict[str, Any]:
    if not protocol.results.exists():
        return {}
    results: dict[str, Any] = json.loads(protocol.results.read_text(encoding="utf-8"))
    return results


@contextmanager
def _changed(protocol: Study) -> Iterator[dict[str, Any]]:
    """The file of results, read, changed inside, and written whole; one process at a time."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{protocol.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        everything = _read(protocol)
        yield everything
        half = protocol.results.with_suffix(".half")
        half.write_text(json.dumps(everything, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        half.replace(protocol.results)


def write_tables(protocol: Study) -> None:
    """Every table between its marks; a page without the marks is left alone and reported."""
    results = _read(protocol)
    for table in protocol.tables:
        page = protocol.page_of(table)
        text = page.read_text(encoding="utf-8") if page.exists() else ""
        begin, end = f"<!-- measured: {table.name} -->\n", "<!-- end -->"
        before, mark, rest = text.partition(begin)
        if not mark or end not in rest:
            print(f"no marks for {table.name} in {page}")
            continue
        written = table_text(protocol, table, results)
        page.write_text(before + mark + written + end + rest.partition(end)[2], encoding="utf-8")


def table_text(protocol: Study, table: StudyTable, results: Mapping[str, Any]) -> str:
    """The measured rows, where they were measured, and how they are measured again."""
    table_results = Results(results.get(table.name, {}))
    columns = [*table.columns, Column("CPU-seconds", "cpu_seconds", 0)]
    heads = ["", *(column.title for column in columns)]
    lines = [heads, ["---"] * len(heads)]
    lines += [[row.title, *_cells(table_results, row, columns)] for row in table.rows]
    body = "".join("| " + " | ".join(line) + " |\n" for line in lines)
    checks = "".join(f"* {_checked(bound, table_results)}\n" for bound in table.bounds)
    return f"{body}\n{_source(protocol, table, results)}\n" + (f"\n{checks}" if checks else "")


def _cells(results: Results, row: StudyRow, columns: Sequence[Column]) -> list[str]:
    if not results.values(row.key, "cpu_seconds"):
        return [NOT_MEASURED, *[""] * (len(columns) - 1)]
    return [_cell(results, row.key, column) for column in columns]


def _cell(results: Results, row: str, column: Column) -> str:
    values = results.values(row, column.key)
    text = _spread(list(values.values()), column.digits)
    if column.low is None or not values:
        return text
    lows = results.values(row, column.low)
    half_widths = [values[seed] - lows[seed] for seed in values]
    mean, half_width = statistics.fmean(values.values()), math.hypot(*half_widths) / len(values)
    low, high = (f"{end:.{column.digits}f}" for end in (mean - half_width, mean + half_width))
    return f"{text} [{low}, {high}]"


def _spread(values: Sequence[float], digits: int) -> str:
    """Mean ± standard deviation, and of how many seeds where they are not three."""
    if not values:
        return ""
    text = f"{statistics.fmean(values):.{digits}f}"
    if len(values) > 1:
        text += f" ± {statistics.stdev(values):.{digits}f}"
    return text if len(values) == _SEEDS else f"{text} ({len(values)})"


def _checked(bound: Bound, results: Results) -> str:
    try:
        value = bound.value(results)
    except LookupError:
        return f"{bound.words}: {NOT_MEASURED}"
    verdict = "holds" if bound.low <= value <= bound.high else "**does not hold**"
    return f"{bound.words}: {value:.3f}, {verdict}"


def _source(protocol: Study, table: StudyTable, results: Mapping[str, Any]) -> str:
    host = results.get("surroundings")
    where = f"{host['machine']}; torch {host['torch']}" if host else NOT_MEASURED
    return (
        f"{table.words} Mean ± standard deviation over three seeds, or over the number in "
        f"brackets; last checkpoint. {where}, one thread. "
        f"`python -m benchmarks.{protocol.name} --tables {table.name}`"
    )


def _arguments(protocol: Study) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=protocol.name)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(_SEEDS)))
    parser.add_argument("--tables", nargs="+", choices=[table.name for table in protocol.tables])
    keys = sorted({row.key for table in protocol.tables for row in table.rows})
    parser.add_argument("--rows", nargs="+", choices=keys)
    parser.add_argument("--again", action="store_true", help="measure again what is already there")
    parser.add_argument("--page-only", action="store_true", help="only write the tables again")
    return parser.parse_args()
