"""The reference page of the command line, from the command itself."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from typer.main import get_command

from zooscope.cli.main import app

ROOT = Path(__file__).parents[1]
NAME = "zooscope"
TOP = """# Command line

Generated from the command itself: `zooscope COMMAND --help` says the same, and `zooscope --version` prints the
version. The exit status is 0 after success, 1 after a refusal or a failure, and 2 when the command was called wrongly.
"""
_CONNECTION = {"--url", "--key", "--home", "--json"}
Row = tuple[str, str]


def pages() -> Mapping[Path, str]:
    """The page and what it should hold."""
    root = get_command(app)
    context = root.context_class(root, info_name=NAME)
    sections = [
        text
        for name in root.list_commands(context)
        for text in _sections(root.get_command(context, name), f"{NAME} {name}")
    ]
    example = root.get_command(context, "models").commands["ls"]
    shared = _table([row for row in _rows(example) if _option(row) in _CONNECTION])
    top = [TOP, "Every command that talks to a zoo also takes:\n", shared]
    return {ROOT / "docs" / "reference" / "command-line.md": "\n".join([*top, *sections])}


def _sections(command: Any, name: str) -> Iterator[str]:
    """One section for each command, groups before what they hold."""
    context = command.context_class(command, info_name=name)
    heading = f"{'#' * min(3, len(name.split()))} {name}"
    usage = " ".join([name, *command.collect_usage_pieces(context)])
    yield "\n".join([heading, "", _text(command.help or ""), "", f"    {usage}", ""])
    rows = _rows(command)
    shared = _CONNECTION if {_option(row) for row in rows} >= _CONNECTION else set()
    if own := [row for row in rows if _option(row) not in shared]:
        yield _table(own)
    for below in getattr(command, "commands", {}):
        yield from _sections(command.commands[below], f"{name} {below}")


def _rows(command: Any) -> list[Row]:
    """What is said of each parameter; `--help` is the same everywhere."""
    context = command.context_class(command, info_name=NAME)
    records = (parameter.get_help_record(context) for parameter in command.get_params(context))
    return [record for record in records if record and _option(record) != "--help"]


def _option(row: Row) -> str:
    return row[0].split()[0].rstrip(",")


def _table(rows: Sequence[Row]) -> str:
    lines = (f"| `{_text(name)}` | {_text(meaning)} |" for name, meaning in rows)
    return "\n".join(["| argument or option | meaning |\n|---|---|", *lines, ""])


def _text(words: str) -> str:
    """One line that a cell of a table can hold."""
    return " ".join(words.split()).replace("|", "\\|")
