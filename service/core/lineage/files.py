"""Lineages as files."""

from dataclasses import dataclass
from enum import StrEnum

from service.core.lineage.graph import LineageGraph
from service.core.lineage.graphml import as_graphml
from service.core.lineage.svg import as_svg
from service.core.theme import Theme


class LineageFormat(StrEnum):
    """The format of a lineage: data, a picture, or a file for graph programs."""

    JSON = "json"
    SVG = "svg"
    GRAPHML = "graphml"


@dataclass(frozen=True)
class LineageFile:
    """A lineage in one format; ``name`` is a file name for a download."""

    name: str
    media_type: str
    content: bytes


def file_of(
    lineage: LineageGraph, format_: LineageFormat, theme: Theme = Theme.LIGHT
) -> LineageFile:
    """The lineage as SVG in this theme or as GraphML; each API writes JSON itself."""
    if format_ is LineageFormat.SVG:
        return LineageFile("lineage.svg", "image/svg+xml", b"".join(as_svg(lineage, theme)))
    return LineageFile("lineage.graphml", "application/xml", b"".join(as_graphml(lineage)))
