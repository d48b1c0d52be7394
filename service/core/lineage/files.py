"""A lineage as a file."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from service.core.lineage.graph import Lineage
from service.core.lineage.graphml import as_graphml
from service.core.lineage.svg import as_svg


class LineageFormat(StrEnum):
    """How a lineage is sent: as data, as a picture, or for programs that draw graphs."""

    JSON = "json"
    SVG = "svg"
    GRAPHML = "graphml"


@dataclass(frozen=True)
class LineageFile:
    """A lineage in one of its forms; ``name`` is fit for a download."""

    name: str
    media_type: str
    content: bytes


_WRITERS: dict[LineageFormat, tuple[str, Callable[[Lineage], Iterator[bytes]]]] = {
    LineageFormat.SVG: ("image/svg+xml", as_svg),
    LineageFormat.GRAPHML: ("application/xml", as_graphml),
}


def file_of(lineage: Lineage, format_: LineageFormat) -> LineageFile:
    """The lineage as a file; as JSON each door tells it in its own words."""
    media_type, write = _WRITERS[format_]
    return LineageFile(f"lineage.{format_}", media_type, b"".join(write(lineage)))
