"""A progress bar for the import of one network: its stage, and the bytes of its upload."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn


class ImportProgress(Protocol):
    """Where an import reports its progress."""

    def stage(self, name: str) -> None:
        """Begin a stage, such as loading or packing."""

    def move(self, sent: int, total: int) -> None:
        """Report the bytes of the upload."""


class _Bar:
    """A bar on a terminal."""

    def __init__(self, progress: Progress, task: TaskID, title: str) -> None:
        self._progress, self._task, self._title = progress, task, title

    def stage(self, name: str) -> None:
        """Show the stage; the bar pulses until bytes are counted."""
        text = f"{escape(self._title)}: {name}"
        self._progress.reset(self._task, total=None, description=text)

    def move(self, sent: int, total: int) -> None:
        """Fill the bar."""
        self._progress.update(self._task, completed=sent, total=total or None)


@contextmanager
def import_bar(title: str) -> Iterator[ImportProgress]:
    """A bar on stderr for one network; nothing where stderr is not a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        yield _Bar(progress, progress.add_task(escape(title), total=None), title)
