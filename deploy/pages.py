"""Writes every generated page and picture of the documentation, or checks that they are current.

python deploy/pages.py write|check
"""

import sys
from collections.abc import Mapping
from pathlib import Path

import cli_page
import grpc_page
import rest_page
import settings_pages
import tables_diagram

ROOT = Path(__file__).parents[1]
SOURCES = (settings_pages, rest_page, grpc_page, cli_page, tables_diagram)


def pages() -> Mapping[Path, str]:
    """Each generated file and what it should hold."""
    return {path: text for source in SOURCES for path, text in source.pages().items()}


def main(action: str) -> int:
    """Write the pages, or name those that are out of date; the exit status."""
    if action == "write":
        for path, text in pages().items():
            path.write_text(text)
        return 0
    stale = [p for p, text in pages().items() if not p.exists() or p.read_text() != text]
    for path in stale:
        sys.stderr.write(f"{path.relative_to(ROOT)} is out of date; run `make fix`\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
