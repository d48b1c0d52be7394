"""The results as a page."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Facts = Mapping[str, Any]
WAYS = ("stored responses only", "search", "every network")
COMMAND = "OMP_NUM_THREADS=1 nice -n 19 python -m benchmarks.concept_search --cache FOLDER"


def written(facts: Facts) -> str:
    """Markdown of all tables."""
    host, options, rows = facts["host"], facts["options"], facts["rows"]
    concepts = sorted({tuple(row["concept"]) for row in rows})
    lines = [
        "# Search by concept",
        "",
        f"{len(concepts)} concepts among the {facts['units']} output units of {len(facts['networks'])} published"
        f" classifiers: classes of flowers, CIFAR-10, MNIST and Fashion-MNIST; draws of images of each: {options['seeds']}."
        " The 340 probes contain none of the images. Quality is the AUC on held-out images of the concept against"
        " other classes of all four sets; a unit is level with the best if it loses at most 1 point to the best of all"
        " units.",
        "",
        f"`{_command(options)}`; {host['machine']}; {host['system']}, torch {host['torch']},"
        f" commit {host['commit']}, load {host['load']} at the start.",
        "",
        f"References: {', '.join(facts['references'])}. At most {options['check']} networks are checked.",
        "",
        "## Retrieval and cost",
        "",
        *_retrieval(rows),
        "",
        "*Stored responses only*: order by expected AUC after the references ran. *Search*: the answer of the service,"
        " with the best networks checked. *Every network*: all networks run on the images. Time is that of the"
        " networks on one image of the concept, without loading them.",
        "",
        "## By source of the concept",
        "",
        *_by_source(rows),
        "",
        "## Intervals that state 80 %",
        "",
        *_intervals(rows),
    ]
    return "\n".join(lines) + "\n"


def _command(options: Facts) -> str:
    without = "".join(f" --without {name}" for name in options["without"])
    counts = " ".join(str(count) for count in options["counts"])
    return f"{COMMAND} --seeds {options['seeds']} --counts {counts}{without} --write"


def _retrieval(rows: Sequence[Facts]) -> list[str]:
    lines = [
        "| images | what it is not | way | top-1 | top-5 | loss of the first, points | networks run | time |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for count, contrast in sorted({(row["count"], row["contrast"]) for row in rows}):
        part = [r for r in rows if (r["count"], r["contrast"]) == (count, contrast)]
        ran = float(np.mean([row["networks_run"] for row in part]))
        share = float(np.mean([row["time_share"] for row in part]))
        cost = {
            WAYS[0]: ("references", ""),
            WAYS[1]: (f"{ran:.1f}", f"{100 * share:.0f} %"),
            WAYS[2]: ("all", "100 %"),
        }
        lines += [
            f"| {count} | {contrast} | {way} | {_cells(part, way)} | {' | '.join(cost[way])} |"
            for way in WAYS
        ]
    return lines


def _cells(part: Sequence[Facts], way: str) -> str:
    """Shares with their standard errors over concepts, and the mean loss."""
    cells = [_share([row[way][name] for row in part]) for name in ("top1", "top5")]
    loss = 100 * float(np.mean([row[way]["loss"] for row in part]))
    return " | ".join([*cells, f"{loss:.1f}"])


def _share(values: Sequence[float]) -> str:
    error = float(np.std(values)) / np.sqrt(len(values))
    return f"{np.mean(values):.2f} ± {error:.2f}"


def _by_source(rows: Sequence[Facts]) -> list[str]:
    lines = [
        "| source | best AUC | search: top-1 | top-5 | loss, points | every network: top-1 | loss, points |",
        "|---|---|---|---|---|---|---|",
    ]
    for source in dict.fromkeys(row["concept"][0] for row in rows):
        part = [row for row in rows if row["concept"][0] == source]

        def mean(way: str, name: str, part: Sequence[Facts] = part) -> float:
            return float(np.mean([row[way][name] for row in part]))

        best = float(np.mean([row["best"] for row in part]))
        lines.append(
            f"| {source} | {best:.3f} | {mean('search', 'top1'):.2f} | {mean('search', 'top5'):.2f}"
            f" | {100 * mean('search', 'loss'):.1f} | {mean('every network', 'top1'):.2f}"
            f" | {100 * mean('every network', 'loss'):.1f} |"
        )
    return lines


def _intervals(rows: Sequence[Facts]) -> list[str]:
    lines = [
        "Share of intervals that hold the held-out AUC, over the best twenty units of each search. The best of many"
        " measured AUCs is an optimistic choice, which the intervals do not correct.",
        "",
        "| images | what it is not | expected AUC | measured AUC |",
        "|---|---|---|---|",
    ]
    for count, contrast in sorted({(row["count"], row["contrast"]) for row in rows}):
        part = [r for r in rows if (r["count"], r["contrast"]) == (count, contrast)]
        cells = []
        for name in ("expected_held", "measured_held"):
            values = [row[name] for row in part if row[name] is not None]
            cells.append(f"{np.mean(values):.2f}" if values else "–")
        lines.append(f"| {count} | {contrast} | {' | '.join(cells)} |")
    return lines
