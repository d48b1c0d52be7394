"""The picture of the database's tables, from the metadata of the records."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Table
from sqlalchemy.dialects import postgresql

from service.core.tables import TableRow

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "diagrams" / "tables.svg"
_WIDTH, _ROW, _HEAD = 232, 15, 22
_GAP_X, _GAP_Y, _MARGIN = 84, 16, 20
_SHORT = {"timestamp with time zone": "timestamptz", "double precision": "double"}
_STYLE = """
  .page { fill: #ffffff } .box { fill: #f6f8fa; stroke: #8b949e } .head { fill: #dbe7f5 }
  .link { fill: none; stroke: #0969da; stroke-width: 1.2 }
  text { font: 11px ui-monospace, monospace; fill: #1f2328 }
  .name, .key { font-weight: bold } .type { fill: #59636e; text-anchor: end }
  @media (prefers-color-scheme: dark) {
    .page { fill: #131416 } .box { fill: #1f2328; stroke: #6e7681 } .head { fill: #22354d }
    .link { stroke: #58a6ff } text { fill: #e6edf3 } .type { fill: #9da7b3 }
  }"""


@dataclass(frozen=True)
class Box:
    """A table at its position."""

    table: Table
    left: int
    top: int

    @property
    def height(self) -> int:
        """Of the head and all columns."""
        return _height(self.table)

    def middle_of(self, column: Column[Any]) -> int:
        """The y of a column's row."""
        row = _ordered(self.table).index(column)
        return self.top + _HEAD + row * _ROW + _ROW // 2


def pages() -> Mapping[Path, str]:
    """The picture and what it should hold."""
    return {PICTURE: picture(TableRow.metadata.sorted_tables)}


def picture(tables: Sequence[Table]) -> str:
    """The tables in columns: what they refer to stands to the left of them."""
    boxes = _boxes(tables)
    width = max(box.left for box in boxes.values()) + _WIDTH + _MARGIN
    height = max(box.top + box.height for box in boxes.values()) + _MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="title" '
        f'viewBox="0 0 {width} {height}" width="{width}" height="{height}">',
        f'<title id="title">The {len(boxes)} tables of the database and their foreign keys</title>',
        f"<style>{_STYLE}\n</style>",
        f'<rect class="page" width="{width}" height="{height}"/>',
        *(line for box in boxes.values() for line in _links(box, boxes)),
        *(line for box in boxes.values() for line in _drawn(box)),
        "</svg>\n",
    ]
    return "\n".join(parts)


def _boxes(tables: Sequence[Table]) -> Mapping[str, Box]:
    """Every table's box; those without any foreign key fill the last column."""
    boxes: dict[str, Box] = {}
    for number, column in enumerate(_columns(tables)):
        top = _MARGIN
        for table in column:
            left = _MARGIN + number * (_WIDTH + _GAP_X)
            boxes[table.name] = Box(table, left, top)
            top += _height(table) + _GAP_Y
    return boxes


def _columns(tables: Sequence[Table]) -> list[list[Table]]:
    """Tables by the length of their longest chain of references, related ones side by side."""
    groups = _groups(tables)
    depth: dict[str, int] = {}
    columns: dict[int, list[Table]] = {}
    for table in tables:
        if table.name in groups:
            depth[table.name] = 1 + max((depth[name] for name in _targets(table)), default=-1)
            columns.setdefault(depth[table.name], []).append(table)
    ordered = [columns[number] for number in sorted(columns)]
    ordered[0].sort(key=lambda table: (groups[table.name], table.name))
    for left, right in itertools.pairwise(ordered):
        rank = {table.name: number for number, table in enumerate(left)}
        right.sort(key=lambda table: (groups[table.name], *_barycenter(table, rank)))
    ordered[-1].extend(table for table in tables if table.name not in groups)
    return ordered


def _groups(tables: Sequence[Table]) -> Mapping[str, str]:
    """For each table with a foreign key on either end, the first name of those it hangs together with."""
    groups: dict[str, str] = {}
    for table in tables:
        for target in _targets(table):
            ends = {groups.get(name, name) for name in (table.name, target)}
            groups |= {name: min(ends) for name, group in groups.items() if group in ends}
            groups |= dict.fromkeys((table.name, target), min(ends))
    return groups


def _targets(table: Table) -> set[str]:
    return {key.column.table.name for key in table.foreign_keys} - {table.name}


def _barycenter(table: Table, rank: Mapping[str, int]) -> tuple[float, str]:
    """Mean position of the tables referred to, then the name."""
    positions = [rank[name] for name in _targets(table) if name in rank]
    return (sum(positions) / len(positions) if positions else len(rank), table.name)


def _ordered(table: Table) -> list[Column[Any]]:
    """The columns, those of the primary key first."""
    return sorted(table.columns, key=lambda column: not column.primary_key)


def _height(table: Table) -> int:
    return _HEAD + _ROW * len(table.columns) + 6


def _drawn(box: Box) -> Iterator[str]:
    left, top = box.left, box.top
    yield f'<rect class="box" x="{left}" y="{top}" width="{_WIDTH}" height="{box.height}" rx="4"/>'
    yield f'<rect class="head" x="{left + 1}" y="{top + 1}" width="{_WIDTH - 2}" height="{_HEAD - 4}" rx="3"/>'
    yield f'<text class="name" x="{left + 8}" y="{top + 14}">{escape(box.table.name)}</text>'
    for column in _ordered(box.table):
        baseline = box.middle_of(column) + 4
        kind = "key" if column.primary_key else "column"
        optional = "?" if column.nullable else ""
        yield f'<text class="{kind}" x="{left + 8}" y="{baseline}">{escape(column.name)}</text>'
        yield f'<text class="type" x="{left + _WIDTH - 8}" y="{baseline}">{_type(column)}{optional}</text>'


def _type(column: Column[Any]) -> str:
    """The type in Postgres' words, the long ones by their short names."""
    name = column.type.compile(dialect=postgresql.dialect()).lower()
    return escape(_SHORT.get(name, name))


def _links(box: Box, boxes: Mapping[str, Box]) -> Iterator[str]:
    """A curve from each foreign key to the table it names."""
    for column in box.table.columns:
        for key in column.foreign_keys:
            other = boxes[key.column.table.name]
            start, end = box.middle_of(column), other.middle_of(key.column)
            right = other.left + _WIDTH
            bend = (box.left - right) // 2
            yield (
                f'<path class="link" d="M{box.left} {start} C{box.left - bend} {start} '
                f'{right + bend} {end} {right} {end}"/>'
            )
