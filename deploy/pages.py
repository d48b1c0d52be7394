"""Writes every generated page, picture and module, or checks that they are current.

python deploy/pages.py write|check
"""

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parents[1]
# The command line imports the types of the client, so these are written first.
SOURCES = (
    "client_types",
    "async_client",
    "settings_pages",
    "rest_page",
    "grpc_page",
    "cli_page",
    "tables_diagram",
)


def pages() -> Iterator[tuple[Path, str]]:
    """Each generated file and what it should hold."""
    for source in SOURCES:
        yield from import_module(source).pages().items()


def main(action: str) -> int:
    """Write the pages, or name those that are out of date; the exit status."""
    if action == "write":
        for path, text in pages():
            path.write_text(text)
        return 0
    stale = [p for p, text in pages() if not p.exists() or p.read_text() != text]
    for path in stale:
        sys.stderr.write(f"{path.relative_to(ROOT)} is out of date; run `make fix`\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
