"""Options and footers that the commands share which list things."""

from typing import Annotated

import typer

from zooscope.cli.context import CliContext
from zooscope.client.paging import ListCounts

Query = Annotated[
    str | None, typer.Option("--query", "-q", help="Words that each item contains, in any case.")
]
Size = Annotated[
    str | None,
    typer.Option(help="Size of the file: up_to_1_mb, up_to_10_mb, up_to_100_mb, up_to_1_gb …"),
]
Limit = Annotated[int | None, typer.Option(min=1, help="Maximum number to list.")]
Count = Annotated[
    bool, typer.Option("--count", help="Print how many there are, by facet, instead of the list.")
]


def print_counts(context: CliContext, counts: ListCounts) -> None:
    """Print the total, then one line for each facet that has values."""
    lines = [f"total   {counts['total']}"]
    for facet in counts["facets"]:
        values = [f"{value['value']} {value['count']}" for value in facet["values"]]
        lines += [f"{facet['name']:<6}  {', '.join(values)}"] if values else []
    context.out.done(counts, "\n".join(lines))
