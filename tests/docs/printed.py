"""What pages print for their readers to run: fenced blocks, and words inside sentences."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_GENERATED = {"command-line.md", "grpc.md", "rest.md", "settings.md"}
_FENCE = re.compile(r"^( *)```([^\n`]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"(?<!`)`([^`]+)`(?!`)")

PAGES = [
    *(ROOT / f"{name}.md" for name in ("README", "ARCHITECTURE", "CONTRIBUTING")),
    *(path for path in sorted((ROOT / "docs").rglob("*.md")) if path.name not in _GENERATED),
]


@dataclass(frozen=True)
class PrintedBlock:
    """A fenced block; ``str`` says where it is."""

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks_of(page: Path) -> Iterator[PrintedBlock]:
    """The fenced blocks of a page; the language of a directive is ``{toctree}`` or the like."""
    text = page.read_text()
    for fence in _FENCE.finditer(text):
        indent, language, lines = fence.groups()
        line = text.count("\n", 0, fence.start()) + 1
        unindented = re.sub(rf"^{indent}", "", lines, flags=re.MULTILINE)
        yield PrintedBlock(page, line, language, unindented)


def blocks(*languages: str) -> list[PrintedBlock]:
    """All blocks of these languages, in the order of the pages."""
    return [block for page in PAGES for block in blocks_of(page) if block.language in languages]


def spans_of(page: Path) -> list[str]:
    """The code spans in the sentences of a page, each on one line."""
    return [" ".join(span.split()) for span in _SPAN.findall(_FENCE.sub("", page.read_text()))]
