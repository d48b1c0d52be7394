"""Evaluates rankings on fixed tables of accuracies and writes docs/results/ranking_bench.md.

    python -m benchmarks.ranking [--data ../shared/data/ranking] [--out docs/results]

Without the data folder it says so and ends well. ``zooscope bench ranking`` evaluates any other
table in the same way. The protocol is in ``benchmarks/ranking_protocol.md``.
"""

import argparse
import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.ranking_page import page
from benchmarks.ranking_tables import (
    development_tables,
    development_tables_of_version_4,
    held_back_tables,
    held_back_tables_of_version_4,
)
from workers.tools.ranking_bench.__main__ import evaluate_table
from workers.tools.ranking_bench.protocol import (
    BenchSettings,
    Reached,
    TargetEvaluation,
    fused_name,
)
from workers.tools.ranking_bench.summary import (
    Measures,
    Reliability,
    Summary,
    paired,
    plain,
    pooled,
    pooled_gains,
    reliability_json,
    reliability_of,
)
from workers.tools.ranking_bench.tables import Table

ROOT = Path(__file__).parents[1]
MOST_TARGETS = 6
HARDWARE = "one core of two of an AMD EPYC, no GPU, shared machine"


@dataclass(frozen=True)
class Group:
    """Summaries of the tables of one purpose, beside a previous version on the same targets."""

    name: str
    previous: str
    summaries: list[Summary]
    over_previous: dict[str, dict[str, Measures]]
    previous_reliability: dict[int, Reliability]


def main() -> None:
    """Run, or say why not."""
    options = _arguments()
    if not options.data.is_dir():
        print(f"skipped: there are no accuracy tables in {options.data}")
        return
    began = time.process_time()
    summaries: dict[str, Summary] = {}
    groups = []
    for name, version, tables in _purposes(options.data):
        previous = json.loads((options.out / f"ranking_bench_version_{version}.json").read_text())
        own = [_summary(table, summaries) for table in tables]
        groups.append(_beside_previous(name, f"version {version}", own, previous["tables"]))
    _write(options.out, groups, time.process_time() - began)


def _purposes(data: Path) -> Iterator[tuple[str, int, Iterable[Table]]]:
    """Name, previous version and tables of every group."""
    yield "Development tables", 2, development_tables(data)
    yield "Held-back tables", 2, held_back_tables(data)
    yield "Development tables of version 4", 3, development_tables_of_version_4()
    yield "Held-back tables of version 4", 3, held_back_tables_of_version_4()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "ranking")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "results")
    return parser.parse_args()


def _summary(table: Table, summaries: dict[str, Summary]) -> Summary:
    """The summary of a table; one in two groups is evaluated once."""
    if table.name not in summaries:
        summaries[table.name] = evaluate_table(table, BenchSettings(most_targets=MOST_TARGETS))
        print(f"{table.name}: done", flush=True)
    return summaries[table.name]


def _beside_previous(
    name: str, version: str, summaries: list[Summary], previous: dict[str, Any]
) -> Group:
    over_previous = {
        summary.table.name: _over_previous([summary], previous) for summary in summaries
    }
    over_previous["all"] = _over_previous(summaries, previous)
    reliability = _previous_reliability(summaries, previous)
    return Group(name, version, summaries, over_previous, reliability)


def _previous_reliability(
    summaries: list[Summary], previous: dict[str, Any]
) -> dict[int, Reliability]:
    by_runs: dict[int, list[Reached]] = {}
    for summary in summaries:
        for evaluation in summary.evaluations:
            calibration = previous[summary.table.name][evaluation.target]["calibration"]
            for runs in evaluation.reached:
                by_runs.setdefault(runs, []).append(Reached(**calibration[str(runs)]))
    return {runs: reliability_of(reached) for runs, reached in sorted(by_runs.items())}


def _over_previous(summaries: list[Summary], previous: dict[str, Any]) -> dict[str, Measures]:
    """Paired differences to the previous version, by number of runs."""
    settings = summaries[0].settings
    numbers = {
        id(evaluation): previous[summary.table.name][evaluation.target]
        for summary in summaries
        for evaluation in summary.evaluations
    }
    evaluations = [evaluation for summary in summaries for evaluation in summary.evaluations]
    gains = {}
    for runs in settings.runs:
        name = fused_name(runs)

        def before(evaluation: TargetEvaluation, name: str = name) -> dict[str, float] | None:
            measures: dict[str, float] | None = numbers[id(evaluation)]["measures"].get(name)
            return measures

        if any(name in evaluation.measures for evaluation in evaluations):
            gains[name] = paired(evaluations, runs, before, settings)
    return gains


def _write(out: Path, groups: list[Group], seconds: float) -> None:
    facts: dict[str, Any] = {
        "command": "python -m benchmarks.ranking",
        "hardware": HARDWARE,
        "cpu_seconds": round(seconds),
        "groups": {group.name: _group_json(group) for group in groups},
    }
    text = json.dumps(facts, indent=1, ensure_ascii=False) + "\n"
    (out / "ranking_bench.json").write_text(text, encoding="utf-8")
    (out / "ranking_bench.md").write_text(
        page(groups, hardware=HARDWARE, seconds=seconds), encoding="utf-8"
    )
    print(f"written: {out / 'ranking_bench.md'}")


def _group_json(group: Group) -> dict[str, Any]:
    return {
        "previous": group.previous,
        "tables": [summary.as_json() for summary in group.summaries],
        "pooled_gains": {
            name: {baseline: plain(measures) for baseline, measures in by_baseline.items()}
            for name, by_baseline in pooled_gains(group.summaries).items()
        },
        "gains_over_previous": {
            table: {name: plain(measures) for name, measures in gains.items()}
            for table, gains in group.over_previous.items()
        },
        "calibration": reliability_json(pooled(group.summaries)),
        "calibration_of_previous": reliability_json(group.previous_reliability),
    }


if __name__ == "__main__":
    main()
