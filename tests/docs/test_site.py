"""Every page of the documentation is reachable from its navigation, and a load from elsewhere is noticed."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.built_site import loads_from_elsewhere

DOCS = Path(__file__).parents[2] / "docs"
_TOCTREE = re.compile(r"^```\{toctree\}\n(.*?)^```", re.MULTILINE | re.DOTALL)


def entries(page: Path) -> Iterator[Path]:
    """The pages that the navigation shows below ``page``."""
    for block in _TOCTREE.findall(page.read_text()):
        for line in filter(None, block.splitlines()):
            if not line.startswith(":"):
                yield from (path.resolve() for path in page.parent.glob(f"{line}.md"))


def reachable(page: Path) -> Iterator[Path]:
    yield page
    for entry in entries(page):
        yield from reachable(entry)


def test_the_navigation_reaches_every_page_once():
    assert sorted(reachable(DOCS / "index.md")) == sorted(DOCS.rglob("*.md"))


def test_the_navigation_has_six_sections():
    sections = [page.parent.name for page in entries(DOCS / "index.md")]

    assert sections == ["start", "how-to", "methods", "reference", "results", "design"]


def test_every_diagram_can_be_read_aloud_and_in_the_dark():
    diagrams = sorted((DOCS / "diagrams").glob("*.svg"))

    assert [path.stem for path in diagrams] == ["job", "system", "tables"]
    for path in diagrams:
        text = path.read_text()
        assert 'role="img"' in text
        assert "<title" in text
        assert "prefers-color-scheme: dark" in text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("page.html", '<script src="https://cdn.example/ui.js"></script>'),
        ("page.html", '<link rel="stylesheet" href="//fonts.example/css">'),
        ("page.html", '<p style="background: url(http://images.example/a.png)">'),
        ("page.css", '@import "https://fonts.example/css";'),
        ("page.css", "@font-face { src: url('https://fonts.example/a.woff2') }"),
    ],
)
def test_a_load_from_elsewhere_is_noticed(tmp_path: Path, name: str, text: str):
    (tmp_path / name).write_text(text)

    assert [path.name for path, _ in loads_from_elsewhere(tmp_path)] == [name]


def test_a_link_to_elsewhere_loads_nothing(tmp_path: Path):
    (tmp_path / "page.html").write_text('<a href="https://example.org">more</a>')

    assert list(loads_from_elsewhere(tmp_path)) == []
