"""What a command prints: tables for people, or JSON for programs. Progress goes to stderr."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from zooscope import ZooClientError

Item = Mapping[str, Any]
_PIPE_WIDTH = 10_000
_GAP = 2
_MIN_WRAPPED_WIDTH = 12


class Overflow(Enum):
    """What a column does where the terminal is narrow."""

    WRAP = "its words run over several lines"
    KEEP = "every entry stays on one line, to be copied whole"
    HIDE = "it is left out"


@dataclass(frozen=True)
class TableColumn:
    """One column of a table: its heading and how an item fills it."""

    heading: str
    text: Callable[[Any], str]
    justify: str = "left"
    overflow: Overflow = Overflow.WRAP


def id_column(heading: str, field: str) -> TableColumn:
    """A column of ids, which are there to be copied."""
    return TableColumn(heading, lambda item: item[field], overflow=Overflow.KEEP)


class Output(Protocol):
    """Where a command puts what it found."""

    def rows(self, items: Iterable[Item], columns: Sequence[TableColumn], *, empty: str) -> None:
        """Several things of a kind."""

    def details(self, items: Sequence[Item], columns: Sequence[TableColumn]) -> None:
        """Things that are part of what was just told; programs have them already."""

    def item(self, item: Item) -> None:
        """One thing with all its fields."""

    def drawing(self, item: Item, picture: RenderableType) -> None:
        """A thing as a picture of letters; programs get the thing."""

    def event(self, item: Item, line: str) -> None:
        """Something that just happened."""

    def screen(self) -> AbstractContextManager[Live | None]:
        """A place that can be drawn anew, while the block runs; None where events are lines."""

    def done(self, item: Item, line: str) -> None:
        """What was done, as a thing for programs and a sentence for people."""

    def error(self, error: ZooClientError) -> None:
        """Why the command failed."""


class JsonOutput:
    """One JSON document; one a line for events."""

    def rows(self, items: Iterable[Item], columns: Sequence[TableColumn], *, empty: str) -> None:
        """A list."""
        del columns, empty
        self.item(list(items))  # type: ignore[arg-type]

    def details(self, items: Sequence[Item], columns: Sequence[TableColumn]) -> None:
        """Nothing: the whole was printed."""

    def item(self, item: Item) -> None:
        """The thing as it came."""
        sys.stdout.write(json.dumps(item, indent=2, ensure_ascii=False) + "\n")

    def drawing(self, item: Item, picture: RenderableType) -> None:
        """The thing as it came."""
        del picture
        self.item(item)

    def event(self, item: Item, line: str) -> None:
        """One line."""
        del line
        sys.stdout.write(json.dumps(item, ensure_ascii=False) + "\n")
        sys.stdout.flush()

    def screen(self) -> AbstractContextManager[None]:
        """None."""
        return nullcontext()

    def done(self, item: Item, line: str) -> None:
        """The thing as it came."""
        del line
        self.item(item)

    def error(self, error: ZooClientError) -> None:
        """The problem, on stderr."""
        problem = {
            "code": error.code,
            "detail": error.detail,
            "remedy": error.remedy,
            "errors": [{"pointer": e.pointer, "reason": e.reason} for e in error.errors],
            "trace_id": error.trace_id,
        }
        sys.stderr.write(json.dumps(problem, ensure_ascii=False) + "\n")


class TextOutput:
    """Tables and sentences."""

    def __init__(self, width: int | None = None) -> None:
        """A ``width`` in characters, or that of the terminal."""
        # A pipe has no width; ids that are cut in two are of no use to the next program.
        wide = width or (None if sys.stdout.isatty() else _PIPE_WIDTH)
        self._console = Console(highlight=False, width=wide)
        self._stderr = Console(stderr=True, highlight=False)

    def rows(self, items: Iterable[Item], columns: Sequence[TableColumn], *, empty: str) -> None:
        """A table, or the sentence ``empty``; columns that found no room are named below it."""
        listed = list(items)
        if not listed:
            self._console.print(empty)
            return
        shown, least = _fitting(columns, listed, self._console.width)
        # Where even the ids do not fit, the terminal breaks the lines, and a copy is still whole.
        wide = Console(highlight=False, width=max(self._console.width, least))
        wide.print(_table(shown, listed), crop=False)
        if hidden := [column.heading for column in columns if column not in shown]:
            note = f"A wider terminal, or --json, also shows: {', '.join(hidden)}"
            self._stderr.print(note, style="dim", soft_wrap=True)

    def details(self, items: Sequence[Item], columns: Sequence[TableColumn]) -> None:
        """A table, or nothing."""
        if items:
            self.rows(items, columns, empty="")

    def item(self, item: Item) -> None:
        """One field a line."""
        width = max(map(len, item), default=0)
        for name, value in item.items():
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            self._console.print(f"[bold]{name:{width}}[/]  {escape(text)}", soft_wrap=True)

    def drawing(self, item: Item, picture: RenderableType) -> None:
        """The picture; its lines are as long as they are."""
        del item
        self._console.print(picture, soft_wrap=True)

    def event(self, item: Item, line: str) -> None:
        """The sentence."""
        del item
        self._console.print(escape(line), soft_wrap=True)

    def screen(self) -> AbstractContextManager[Live | None]:
        """The terminal; None when stdout is none."""
        return Live(console=self._console) if self._console.is_terminal else nullcontext()

    def done(self, item: Item, line: str) -> None:
        """The sentence."""
        self.event(item, line)

    def error(self, error: ZooClientError) -> None:
        """What was wrong, field by field, and what to do; on stderr."""
        say = self._stderr.print
        say(
            f"[red]zooscope:[/] {escape(error.detail)} [dim]({escape(error.code)})[/]",
            soft_wrap=True,
        )
        for field in error.errors:
            say(f"          {escape(field.pointer)}: {escape(field.reason)}", soft_wrap=True)
        if error.remedy:
            say(f"          {escape(error.remedy)}", soft_wrap=True)


def _fitting(
    columns: Sequence[TableColumn], items: Sequence[Item], width: int
) -> tuple[Sequence[TableColumn], int]:
    """The columns for which there is room, and the least number of characters that they need."""
    needs = {column: _least_width(column, items) for column in columns}
    shown = list(columns)
    for column in [column for column in reversed(columns) if column.overflow is Overflow.HIDE]:
        if _total(needs, shown) > width:
            shown.remove(column)
    return shown, _total(needs, shown)


def _least_width(column: TableColumn, items: Sequence[Item]) -> int:
    """Characters without which a column is of no use."""
    longest = max(cell_len(text) for text in (column.heading, *map(column.text, items)))
    return min(longest, _MIN_WRAPPED_WIDTH) if column.overflow is Overflow.WRAP else longest


def _total(needs: Mapping[TableColumn, int], shown: Sequence[TableColumn]) -> int:
    return sum(needs[column] for column in shown) + _GAP * (len(shown) - 1)


def _table(columns: Sequence[TableColumn], items: Sequence[Item]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(
            column.heading,
            justify=column.justify,  # type: ignore[arg-type]
            overflow="fold",
            no_wrap=column.overflow is not Overflow.WRAP,
            min_width=_least_width(column, items),
        )
    for item in items:
        table.add_row(*(escape(column.text(item)) for column in columns))
    return table


@contextmanager
def bytes_bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """A bar for a file under way; yields what wants the bytes sent and those there are."""
    with _bar(title, DownloadColumn()) as move:
        yield move


@contextmanager
def steps_bar(title: str) -> Iterator[Callable[[Item], None]]:
    """A bar for a job; yields what wants the job's progress."""
    with _bar(title, MofNCompleteColumn()) as move:
        yield lambda progress: move(progress["step"], progress["total"])


@contextmanager
def _bar(title: str, count: ProgressColumn) -> Iterator[Callable[[int, int], None]]:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), count, TimeRemainingColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task(escape(title), total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total or None)


def format_count(number: int | None) -> str:
    """A large number the way people say it: 11.7 M."""
    if number is None:
        return "–"
    value = float(number)
    for unit in ("", " k", " M"):
        if value < 1000:  # noqa: PLR2004 - a thousand of each is one of the next
            return f"{value:.3g}{unit}"
        value /= 1000
    return f"{value:.3g} G"


def format_score(number: float | None) -> str:
    """A score with four decimals, or a dash."""
    return "–" if number is None else f"{number:.4f}"
