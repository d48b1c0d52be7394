"""Human-readable summaries of tables."""

import math
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table as Grid

from workers.tools.ranking_bench.measures import MEASURES, Interval
from workers.tools.ranking_bench.summary import (
    Measures,
    Reliability,
    Summary,
    pooled,
    pooled_gains,
)

WIDEST_PIPE = 160


def print_summaries(summaries: Sequence[Summary]) -> None:
    """Prints every table, then the calibration over all tables."""
    console = Console(width=None if Console().is_terminal else WIDEST_PIPE, highlight=False)
    for summary in summaries:
        console.print(_grid(summary))
        console.print(*gain_lines(summary.gains), sep="\n")
        console.print(*reliability_lines(summary.reliability), sep="\n")
        console.print()
    if len(summaries) > 1:
        console.print(f"Over all {len(summaries)} tables")
        console.print(*gain_lines(pooled_gains(summaries)), sep="\n")
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
        grid.add_row(name, *cells(summary, name), count)
    return grid


def cells(summary: Summary, name: str) -> list[str]:
    """All measures of a method as text; the first with its spread over seeds, if it has any."""
    first, *others = (written(key, summary.methods[name][key]) for key in MEASURES)
    spread = summary.spreads[name]
    return [f"{first} ± {spread:.3f}" if spread else first, *others]


def headings(k: int) -> tuple[str, ...]:
    """Headings of the columns after the name of the method."""
    return ("weighted tau", "Kendall tau", "Spearman", "regret@1, points", f"R@{k}", "targets")


def written(measure: str, interval: Interval) -> str:
    """Mean and its 95 % interval as text."""
    digits = 2 if measure == "regret" else 3
    return f"{interval.mean:.{digits}f} [{interval.low:.{digits}f}, {interval.high:.{digits}f}]"


def gain_lines(gains: Mapping[str, Mapping[str, Measures]]) -> list[str]:
    """Lines with the paired differences of the fused ranking to each baseline."""
    return [
        f"{name} − {baseline}: weighted tau {written('weighted_tau', measures['weighted_tau'])}, "
        f"regret {written('regret', measures['regret'])} points"
        for name, by_baseline in gains.items()
        for baseline, measures in by_baseline.items()
    ]


def reliability_lines(reliability_by_runs: dict[int, Reliability]) -> list[str]:
    """Lines with predicted and observed reliability, by number of runs."""
    return [
        f"calibration, {runs} runs: the set contained the winner for {reliability.held:.0%} of {reliability.targets} targets "
        f"(predicted {reliability.stated:.0%}, {reliability.size:.1f} models on average); intervals contained "
        f"{'nothing unmeasured' if math.isnan(reliability.inside) else f'{reliability.inside:.0%}'}"
        for runs, reliability in reliability_by_runs.items()
    ]
