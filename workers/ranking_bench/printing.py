"""The summary of a table for people."""

import math
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table as Grid

from workers.ranking_bench.measures import MEASURES, Interval
from workers.ranking_bench.summary import Reliability, Summary, pooled

WIDEST_PIPE = 160


def print_summaries(summaries: Sequence[Summary]) -> None:
    """Every table, then calibration over all of them."""
    console = Console(width=None if Console().is_terminal else WIDEST_PIPE, highlight=False)
    for summary in summaries:
        console.print(_grid(summary))
        console.print(*gain_lines(summary), sep="\n")
        console.print(*reliability_lines(summary.reliability), sep="\n")
        console.print()
    if len(summaries) > 1:
        console.print(f"Over all {len(summaries)} tables")
        console.print(*reliability_lines(pooled(summaries)), sep="\n")


def _grid(summary: Summary) -> Grid:
    table, k = summary.table, summary.settings.k
    title = f"{table.name}: {len(table.models)} models × {len(table.targets)} targets"
    grid = Grid(title=title, title_justify="left")
    grid.add_column("method", overflow="fold")
    for head in headings(k):
        grid.add_column(head, justify="right", no_wrap=True)
    for name, measures in summary.methods.items():
        count = str(measures[MEASURES[0]].targets)
        grid.add_row(name, *(written(key, measures[key]) for key in MEASURES), count)
    return grid


def headings(k: int) -> tuple[str, ...]:
    """Heads of the columns behind the method's name."""
    return ("weighted tau", "Kendall tau", "Spearman", "regret@1, points", f"R@{k}", "targets")


def written(measure: str, one: Interval) -> str:
    """Mean and its 95 % interval."""
    digits = 2 if measure == "regret" else 3
    return f"{one.mean:.{digits}f} [{one.low:.{digits}f}, {one.high:.{digits}f}]"


def gain_lines(summary: Summary) -> list[str]:
    """Paired differences of the fused ranking to the static list."""
    return [
        f"{name} − static list: weighted tau {written('weighted_tau', gains['weighted_tau'])}, "
        f"regret {written('regret', gains['regret'])} points"
        for name, gains in summary.gains.items()
    ]


def reliability_lines(found: dict[int, Reliability]) -> list[str]:
    """What was stated and what came true, by number of runs."""
    return [
        f"calibration, {runs} runs: the set held the winner {one.held:.0%} of {one.targets} times "
        f"(stated {one.stated:.0%}, {one.size:.1f} models on average); intervals held "
        f"{'nothing unmeasured' if math.isnan(one.inside) else f'{one.inside:.0%}'}"
        for runs, one in found.items()
    ]
