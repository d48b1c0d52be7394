"""Pages show pictures that exist, and describe each in words."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_PICTURE = re.compile(r"<picture>.*?</picture>", re.DOTALL)
_ADDRESS = re.compile(r'(?:src|srcset)="([^"]+)"')
_ALT = re.compile(r'alt="[^"]{20,}"')


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_pictures_of_a_page_exist_and_have_alternative_text(page: Path):
    for picture in _PICTURE.findall(page.read_text()):
        assert _ALT.search(picture), picture
        for address in _ADDRESS.findall(picture):
            assert (page.parent / address).is_file(), address


def test_the_pages_show_every_picture_of_the_demo():
    text = "\n".join(page.read_text() for page in PAGES)

    shown = {
        picture.name for picture in (ROOT / "docs/pictures").iterdir() if picture.name in text
    }

    assert shown == {picture.name for picture in (ROOT / "docs/pictures").iterdir()}
