"""Ends with an error when a page of the built site loads anything from another host.

python -m tests.docs.built_site FOLDER
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from tests.docs.loads import PageLoads, elsewhere, loads_of_css


def loads_from_elsewhere(site: Path) -> Iterator[tuple[Path, str]]:
    """Each file of a built site with an address that it loads from another host."""
    for path in sorted(site.rglob("*.html")):
        yield from ((path, address) for address in elsewhere(PageLoads(path.read_text()).loads))
    for path in sorted(site.rglob("*.css")):
        yield from ((path, address) for address in elsewhere(loads_of_css(path.read_text())))


def main(folder: str) -> int:
    """Name every such address; the exit status."""
    site = Path(folder)
    if not (site / "index.html").exists():
        sys.stderr.write(f"{site} holds no built site; run `make docs`\n")
        return 1
    outside = list(loads_from_elsewhere(site))
    for path, address in outside:
        sys.stderr.write(f"{path} loads {address}; ship the file with the site\n")
    return 1 if outside else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
