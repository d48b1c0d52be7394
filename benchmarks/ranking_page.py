"""The page docs/results/ranking_bench.md, from summaries of development and held-back tables."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from workers.tools.ranking_bench.measures import MEASURES
from workers.tools.ranking_bench.printing import (
    cells,
    gain_lines,
    headings,
    reliability_lines,
)
from workers.tools.ranking_bench.protocol import first_run_name, fused_name
from workers.tools.ranking_bench.summary import (
    Measures,
    Reliability,
    Summary,
    pooled,
    pooled_gains,
)

PROTOCOL = Path(__file__).with_name("ranking_protocol.md")
TAU, REGRET = "weighted_tau", "regret"


class EvaluatedGroup(Protocol):
    """Summaries of the tables of one purpose, and their gains over a previous version."""

    name: str
    previous: str
    summaries: list[Summary]
    over_previous: dict[str, dict[str, Measures]]
    previous_reliability: dict[int, Reliability]


def page(groups: Sequence[EvaluatedGroup], *, hardware: str, seconds: float) -> str:
    """The whole page as Markdown."""
    parts = [
        "# Ranking bench",
        "How well `fused` ranks networks that it has not measured, beside orders that need no model: "
        "the static list, and “static list, first n run”, which measures the first n of that list "
        f"and orders them by the result. Hardware: {hardware}; {seconds:.0f} CPU-seconds. "
        "Reproduce: `python -m benchmarks.ranking`; for your own tables: "
        "`zooscope bench ranking TABLE`. [Data](data.md) says where the real tables come from; the "
        "method is on [fused_ranking](../methods/fused_ranking.md).",
        PROTOCOL.read_text(encoding="utf-8").strip(),
    ]
    for group in groups:
        parts += _overview(group)
    for summary, group in _sections(groups):
        before = _named(group.over_previous[summary.table.name], group.previous)
        parts += _section(summary, before)
    return "\n\n".join(parts) + "\n"


def _sections(
    groups: Sequence[EvaluatedGroup],
) -> Iterable[tuple[Summary, EvaluatedGroup]]:
    """Every table once, with the last group that has it."""
    last = {
        summary.table.name: (summary, group) for group in groups for summary in group.summaries
    }
    return last.values()


def _overview(group: EvaluatedGroup) -> list[str]:
    """The pooled numbers of a group, and one line for each of its tables."""
    rows = [("table", "runs", "static list", "first n run", "fused", group.previous)]
    for summary in group.summaries:
        before = group.over_previous[summary.table.name]
        rows += _overview_rows(summary, before)
    return [
        f"## {group.name}",
        "Weighted tau / regret@1 in points, means over targets.",
        table_of(rows),
        "Paired differences over all targets of these tables:",
        bullets(gain_lines(pooled_gains(group.summaries))),
        bullets(gain_lines(_named(group.over_previous["all"], group.previous))),
        "Calibration over all targets of these tables:",
        bullets(reliability_lines(pooled(group.summaries))),
        f"{group.previous.capitalize()} on the same targets:",
        bullets(reliability_lines(group.previous_reliability)),
    ]


def _overview_rows(summary: Summary, before: Mapping[str, Measures]) -> list[tuple[str, ...]]:
    rows = []
    for runs in summary.settings.runs:
        name = fused_name(runs)
        if name not in summary.methods:
            continue
        own = summary.methods[name]
        tau = own[TAU].mean - before[name][TAU].mean
        regret = own[REGRET].mean - before[name][REGRET].mean
        methods = (summary.methods[key] for key in ("static list", first_run_name(runs), name))
        pairs = [f"{method[TAU].mean:.3f} / {method[REGRET].mean:.2f}" for method in methods]
        rows.append((summary.table.name, str(runs), *pairs, f"{tau:.3f} / {regret:.2f}"))
    return rows


def _section(summary: Summary, over_previous: dict[str, dict[str, Measures]]) -> list[str]:
    table = summary.table
    head = ("method", *headings(summary.settings.k))
    rows: list[tuple[str, ...]] = [head]
    for name, measures in summary.methods.items():
        rows.append((name, *cells(summary, name), str(measures[MEASURES[0]].targets)))
    return [
        f"## {table.name}: {len(table.models)} models × {len(table.targets)} targets",
        table_of(rows),
        bullets(
            [
                *gain_lines(summary.gains),
                *gain_lines(over_previous),
                *reliability_lines(summary.reliability),
            ]
        ),
    ]


def _named(gains: dict[str, Measures], previous: str) -> dict[str, dict[str, Measures]]:
    return {name: {previous: measures} for name, measures in gains.items()}


def table_of(rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; the first row is its head."""
    lines = [rows[0], ["---"] * len(rows[0]), *rows[1:]]
    return "\n".join(f"| {' | '.join(row)} |" for row in lines)


def bullets(lines: Iterable[str]) -> str:
    """Lines as a Markdown list."""
    return "\n".join(f"- {line}" for line in lines)
