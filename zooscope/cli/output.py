"""Output of a command: tables for people, or JSON for programs. Progress goes to stderr."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
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

from zooscope import Retry, ZooClientError
from zooscope.cli.retries import as_values, in_words

Item = Mapping[str, Any]
_PIPE_WIDTH = 10_000
_GAP = 2
_MIN_WRAPPED_WIDTH = 12


class Overflow(Enum):
    """What a column does on a narrow terminal."""

    WRAP = "wraps over several lines"
    KEEP = "keeps every entry on one line, so that it can be copied"
    HIDE = "is hidden"


@dataclass(frozen=True)
class TableColumn:
    """One column of a table: its heading and how an item fills it."""

    heading: str
    text: Callable[[Any], str]
    justify: str = "left"
    overflow: Overflow = Overflow.WRAP


def id_column(heading: str, field: str) -> TableColumn:
    """A column of ids, each on one line so that it can be copied."""
    return TableColumn(heading, lambda item: item[field], overflow=Overflow.KEEP)


def first_of_many(names: Sequence[str]) -> str:
    """The first name and the number of the others, which a table has no room for."""
    return f"{names[0]} and {len(names) - 1} more" if len(names) > 1 else "".join(names)


def time_column(heading: str, field: str) -> TableColumn:
    """A column of times; on a narrow terminal the date and the time of day are two lines."""
    return TableColumn(heading, lambda item: format_time(item.get(field)))


class Output(Protocol):
    """Destination of a command's results."""

    def rows(self, items: Iterable[Item], columns: Sequence[TableColumn], *, empty: str) -> None:
        """Print several items of one kind."""

    def details(self, items: Sequence[Item], columns: Sequence[TableColumn]) -> None:
        """Print items that belong to the previous result; JSON already contains them."""

    def item(self, item: Item) -> None:
        """Print one item with all its fields."""

    def drawing(self, item: Item, picture: RenderableType) -> None:
        """Print an item as a text drawing; JSON prints the item."""

    def event(self, item: Item, line: str) -> None:
        """Print an event."""

    def screen(self) -> AbstractContextManager[Live | None]:
        """A screen that updates in place during the block; None if events are printed as lines."""

    def done(self, item: Item, line: str) -> None:
        """Print the result: the item for programs, a sentence for people."""

    def note(self, line: str) -> None:
        """Print a remark for people; JSON already contains it."""

    def waiting(self, retry: Retry) -> None:
        """Print why the command waits before it repeats a request."""

    def error(self, error: ZooClientError) -> None:
        """Print why the command failed."""


class JsonOutput:
    """Prints one JSON document, or one per line for events."""

    def rows(self, items: Iterable[Item], columns: Sequence[TableColumn], *, empty: str) -> None:
        """Print a list."""
        del columns, empty
        self.item(list(items))  # type: ignore[arg-type]

    def details(self, items: Sequence[Item], columns: Sequence[TableColumn]) -> None:
        """Print nothing: the previous item contains the details."""

    def item(self, item: Item) -> None:
        """Print the item."""
        sys.stdout.write(json.dumps(item, indent=2, ensure_ascii=False) + "\n")

    def drawing(self, item: Item, picture: RenderableType) -> None:
        """Print the item."""
        del picture
        self.item(item)

    def event(self, item: Item, line: str) -> None:
        """Print one line."""
        del line
        sys.stdout.write(json.dumps(item, ensure_ascii=False) + "\n")
        sys.stdout.flush()

    def screen(self) -> AbstractContextManager[None]:
        """None: events are lines."""
        return nullcontext()

    def done(self, item: Item, line: str) -> None:
        """Print the item."""
        del line
        self.item(item)

    def note(self, line: str) -> None:
        """Print nothing: the result contains the remark."""

    def waiting(self, retry: Retry) -> None:
        """Print one line to stderr."""
        sys.stderr.write(json.dumps({"waiting": as_values(retry)}, ensure_ascii=False) + "\n")
        sys.stderr.flush()

    def error(self, error: ZooClientError) -> None:
        """Print the problem to stderr."""
        problem = {
            "code": error.code,
            "detail": error.detail,
            "remedy": error.remedy,
            "errors": [{"pointer": e.pointer, "reason": e.reason} for e in error.errors],
            "errors_omitted": error.errors_omitted,
            "candidates": list(error.candidates),
            "trace_id": error.trace_id,
        }
        sys.stderr.write(json.dumps(problem, ensure_ascii=False) + "\n")


class TextOutput:
    """Prints tables and sentences."""

    def __init__(self, width: int | None = None) -> None:
        """Use ``width`` characters, or the width of the terminal."""
        # A pipe has no width; the next program needs ids that are not wrapped.
        wide = width or (None if sys.stdout.isatty() else _PIPE_WIDTH)
        self._console = Console(highlight=False, width=wide)
        self._stderr = Console(stderr=True, highlight=False)

    def rows(self, items: Iterable[Item], columns: Sequence[TableColumn], *, empty: str) -> None:
        """Print a table, or ``empty``; a note names the hidden columns."""
        listed = list(items)
        if not listed:
            self._console.print(empty)
            return
        shown, least = _fitting(columns, listed, self._console.width)
        # If even the ids do not fit, the terminal wraps the lines, and copies stay complete.
        wide = Console(highlight=False, width=max(self._console.width, least))
        with wide.capture() as table:
            wide.print(_table(shown, listed), crop=False)
        lines = table.get().splitlines()
        sys.stdout.writelines(f"{line.rstrip()}\n" for line in lines)
        if hidden := [column.heading for column in columns if column not in shown]:
            note = f"A wider terminal, or --json, also shows: {', '.join(hidden)}"
            self._stderr.print(note, style="dim", soft_wrap=True)

    def details(self, items: Sequence[Item], columns: Sequence[TableColumn]) -> None:
        """Print a table; nothing if there are no items."""
        if items:
            self.rows(items, columns, empty="")

    def item(self, item: Item) -> None:
        """Print one field per line."""
        width = max(map(len, item), default=0)
        for name, value in item.items():
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            self._console.print(f"[bold]{name:{width}}[/]  {escape(text)}", soft_wrap=True)

    def drawing(self, item: Item, picture: RenderableType) -> None:
        """Print the drawing without wrapping."""
        del item
        self._console.print(picture, soft_wrap=True)

    def event(self, item: Item, line: str) -> None:
        """Print the sentence."""
        del item
        self._console.print(escape(line), soft_wrap=True)

    def screen(self) -> AbstractContextManager[Live | None]:
        """The terminal; None if stdout is not one."""
        return Live(console=self._console) if self._console.is_terminal else nullcontext()

    def done(self, item: Item, line: str) -> None:
        """Print the sentence."""
        self.event(item, line)

    def note(self, line: str) -> None:
        """Print the remark to stderr."""
        self._stderr.print(line, style="dim", soft_wrap=True, markup=False)

    def waiting(self, retry: Retry) -> None:
        """Print the reason and the pause to stderr."""
        self._stderr.print(f"[yellow]waiting:[/] {escape(in_words(retry))}", soft_wrap=True)

    def error(self, error: ZooClientError) -> None:
        """Print the error, each invalid field and the remedy to stderr."""
        say = self._stderr.print
        say(
            f"[red]zooscope:[/] {escape(error.detail)} [dim]({escape(error.code)})[/]",
            soft_wrap=True,
        )
        for field in error.errors:
            if f"{field.pointer}: {field.reason}" in error.detail:
                continue
            say(f"          {escape(field.pointer)}: {escape(field.reason)}", soft_wrap=True)
        if error.errors_omitted:
            say(f"          … and {error.errors_omitted} more", soft_wrap=True)
        for row in error.candidates:
            line = f"{row['id']}  {row['name']}  {row['state']}  {row['created_at'][:19]}"
            say(f"          {escape(line)}", soft_wrap=True)
        if error.remedy:
            say(f"          {escape(error.remedy)}", soft_wrap=True)


def _fitting(
    columns: Sequence[TableColumn], items: Sequence[Item], width: int
) -> tuple[Sequence[TableColumn], int]:
    """The columns that fit, and the minimum number of characters that they need."""
    needs = {column: _least_width(column, items) for column in columns}
    shown = list(columns)
    for column in [column for column in reversed(columns) if column.overflow is Overflow.HIDE]:
        if _total(needs, shown) > width:
            shown.remove(column)
    return shown, _total(needs, shown)


def _least_width(column: TableColumn, items: Sequence[Item]) -> int:
    """Minimum number of characters of a column."""
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
    """A progress bar for a transfer; yields a callback for the transferred and the total bytes."""
    with _bar(title, DownloadColumn()) as move:
        yield move


@contextmanager
def steps_bar(title: str) -> Iterator[Callable[[Item], None]]:
    """A progress bar for a job; yields a callback for its progress."""
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
    """A large number in short form, such as 11.7 M."""
    if number is None:
        return "–"
    value = float(number)
    for unit in ("", " k", " M"):
        if value < 1000:  # noqa: PLR2004 - a thousand of each is one of the next
            return f"{value:.3g}{unit}"
        value /= 1000
    return f"{value:.3g} G"


def format_time(time: str | None) -> str:
    """A time of the API in every listing: date and time in UTC, to the second, or a dash."""
    if time is None:
        return "–"
    return datetime.fromisoformat(time).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def format_score(number: float | None) -> str:
    """A score with four decimals, or a dash."""
    return "–" if number is None else f"{number:.4f}"
