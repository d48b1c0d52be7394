"""Judges rankings on the shared tables of accuracies and writes docs/results/ranking_bench.md.

    python -m benchmarks.ranking [--data ../shared/data/ranking] [--out docs/results]

Without the data folder it says so and ends well. ``zooscope bench ranking`` judges any other table
in the same way.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

from workers.tools.ranking_bench.__main__ import judged_table
from workers.tools.ranking_bench.measures import MEASURES
from workers.tools.ranking_bench.printing import gain_lines, headings, reliability_lines, written
from workers.tools.ranking_bench.protocol import BenchSettings
from workers.tools.ranking_bench.summary import Summary, pooled, pooled_json
from workers.tools.ranking_bench.tables import read_table

ROOT = Path(__file__).parents[1]
HARDWARE = "one core of two of an AMD EPYC, no GPU, shared machine"


def main() -> None:
    """Run, or say why not."""
    given = _arguments()
    folders = sorted(given.data.glob("*/accuracy.csv")) if given.data.is_dir() else []
    if not folders:
        print(f"skipped: there are no accuracy tables in {given.data}")
        return
    settings = BenchSettings(seed=given.seed)
    began = time.process_time()
    summaries = []
    for path in folders:
        summaries.append(judged_table(read_table(path.parent), settings))
        print(f"{path.parent.name}: done after {time.process_time() - began:.0f} CPU-seconds")
    seconds = time.process_time() - began
    _write(given.out, summaries, seconds)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "ranking")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "results")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def _write(out: Path, summaries: list[Summary], seconds: float) -> None:
    facts: dict[str, Any] = {
        "command": "python -m benchmarks.ranking",
        "hardware": HARDWARE,
        "cpu_seconds": round(seconds),
        "tables": [one.as_json() for one in summaries],
        "calibration": pooled_json(summaries),
    }
    text = json.dumps(facts, indent=1, ensure_ascii=False) + "\n"
    (out / "ranking_bench.json").write_text(text, encoding="utf-8")
    (out / "ranking_bench.md").write_text(_page(summaries, seconds), encoding="utf-8")
    print(f"written: {out / 'ranking_bench.md'}")


def _page(summaries: list[Summary], seconds: float) -> str:
    settings = summaries[0].settings
    parts = [
        "# Ranking bench",
        f"Every target is held out once and its models are ranked from the other columns; means "
        f"over targets with 95 % bootstrap intervals over targets. Seed {settings.seed}, "
        f"{HARDWARE}, {seconds:.0f} CPU-seconds for all tables. "
        "Reproduce: `python -m benchmarks.ranking`; for your own tables: "
        "`zooscope bench ranking TABLE`.",
        "We used these tables while we built the model: they are development results. "
        "The posterior chooses which model is measured next, unless a row says “by chance” (mean "
        "of three orders). Measured models count with their measured accuracy, and all models are "
        "ranked. “static list, first n run” measures the first n of the static list and orders "
        "them by the result. [Data](data.md) says where the tables come from; the methods are on "
        "[fused_ranking](../methods/fused_ranking.md).",
        "## Calibration over all tables",
        *_bullets(reliability_lines(pooled(summaries))),
    ]
    for summary in summaries:
        parts += _section(summary)
    return "\n\n".join(parts) + "\n"


def _section(summary: Summary) -> list[str]:
    table = summary.table
    head = ("method", *headings(summary.settings.k))
    rows = [head, ("---",) * len(head)]
    for name, measures in summary.methods.items():
        count = str(measures[MEASURES[0]].targets)
        rows.append((name, *(written(key, measures[key]) for key in MEASURES), count))
    return [
        f"## {table.name}: {len(table.models)} models × {len(table.targets)} targets",
        "\n".join(f"| {' | '.join(row)} |" for row in rows),
        *_bullets([*gain_lines(summary), *reliability_lines(summary.reliability)]),
    ]


def _bullets(lines: list[str]) -> list[str]:
    return ["\n".join(f"- {line}" for line in lines)]


if __name__ == "__main__":
    main()
