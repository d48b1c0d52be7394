"""The figures of ``benchmarks.scale`` as a page."""

import math
from collections.abc import Callable
from typing import Any

from benchmarks.zoo_scale import synthetic


def written(figures: dict[str, Any]) -> str:
    """The whole page."""
    about = figures["surroundings"]
    lines = [
        "# Neighbors in large zoos",
        "",
        "Written by `python -m benchmarks.scale`; every figure is in [scale.json](scale.json)."
        " How the index works: [scale](../scale.md).",
        "",
        f"* Machine: {about['machine']}; {about['system']}; commit {about['commit']}; load average"
        f" {about['load']} before, {figures['load_at_end']} at the end: server, database and"
        " client share the cores with other load.",
        f"* Zoo: synthetic, seed {figures['seed']}; {synthetic.PROBES} probes on a {synthetic.GRID} ×"
        f" {synthetic.GRID} grid; families of {synthetic.FAMILY} networks in {synthetic.LINES} lines"
        " around centers that share little; files, rows and requests are real.",
        f"* {figures['queries']} networks queried, drawn again for every size; ten neighbors,"
        " λ = ¼ unless stated; one request at a time. Recall is against exact scores with all.",
        f"* The index is built with m = {figures['built']['m']} and ef_construction ="
        f" {figures['built']['ef_construction']}, after the rows were written.",
        f"* The whole run: {figures['seconds'] / 60:.0f} minutes.",
        "",
        "## Recall and cost of a query",
        "",
        *_table(figures["sizes"], _QUESTIONS),
        "",
        "## The zoo: scores of neighbors",
        "",
        *_table(figures["sizes"], _SPREAD),
        "",
        "## One more network, and storage",
        "",
        *_table(figures["sizes"], _STORAGE),
        "",
        "## How well the stated error holds",
        "",
        *_table(figures["sizes"], _ERRORS),
        "",
        *_crowded(figures.get("crowded")),
        *_sweep(figures.get("sweep")),
        *_growth(figures["sizes"]),
    ]
    return "\n".join(lines) + "\n"


Figure = tuple[str, Callable[[dict[str, Any]], str]]


def _answers(latencies: dict[str, Any]) -> str:
    return f"p50 {latencies['p50_ms']:.1f}, p99 {latencies['p99_ms']:.1f} ms"


def _spread(rank: str) -> Figure:
    return f"score of neighbor {rank}", lambda figures: f"{figures['spread'][rank]:.3f}"


_QUESTIONS: tuple[Figure, ...] = (
    ("load average when the queries began", lambda figures: figures["load"]),
    ("recall@10 by sketches alone", lambda figures: f"{figures['sketch_alone']['recall']:.3f}"),
    ("recall@10 after the exact comparison", lambda figures: f"{figures['rest']['recall']:.4f}"),
    ("the worst of the queries", lambda figures: f"{figures['rest']['worst']:.1f}"),
    (
        "recall@10 at λ = 0, 1, 10",
        lambda figures: ", ".join(
            f"{v['recall']:.4f}" for v in figures["rest_other_weights"].values()
        ),
    ),
    ("answers that are exact", lambda figures: f"{figures['rest']['exact_share']:.0%}"),
    ("through REST", lambda figures: _answers(figures["rest"])),
    ("shortlist by the index (20 queries)", lambda figures: _answers(figures["by_index"])),
    ("shortlist by a full scan (the same)", lambda figures: _answers(figures["by_scan"])),
)
_SPREAD: tuple[Figure, ...] = (
    _spread("1"),
    _spread("10"),
    _spread("50"),
    ("median gap from 10 to 50", lambda figures: f"{figures['spread']['gap_10_to_50']:.3f}"),
    (
        "smallest tenth of the gaps below",
        lambda figures: f"{figures['spread']['gap_10_to_50_smallest_tenth']:.3f}",
    ),
)
_STORAGE: tuple[Figure, ...] = (
    (
        "insert with its sketch",
        lambda figures: (
            f"p50 {figures['insertion']['with_sketch_p50_ms']:.1f},"
            f" p99 {figures['insertion']['with_sketch_p99_ms']:.1f} ms"
        ),
    ),
    (
        "insert without",
        lambda figures: (
            f"p50 {figures['insertion']['without_sketch_p50_ms']:.1f},"
            f" p99 {figures['insertion']['without_sketch_p99_ms']:.1f} ms"
        ),
    ),
    ("building the index", lambda figures: f"{figures['build_seconds']:.1f} s"),
    ("row with sketch", lambda figures: f"{figures['storage']['row_bytes'] / 1024:.1f} KiB"),
    (
        "its entry in the HNSW index",
        lambda figures: f"{figures['storage']['sketch_index_bytes'] / 1024:.1f} KiB",
    ),
    (
        "its entries in other indexes",
        lambda figures: f"{figures['storage']['other_indexes_bytes'] / 1024:.1f} KiB",
    ),
    ("graph file", lambda figures: f"{figures['storage']['file_bytes'] / 1024:.1f} KiB"),
)
_ERRORS: tuple[Figure, ...] = (
    ("pairs", lambda figures: f"{figures['errors']['pairs']}"),
    ("error larger than stated", lambda figures: f"{figures['errors']['beyond_told']:.2%}"),
    (
        "deviations that hold 99 % (stated: 3)",
        lambda figures: f"{figures['errors']['deviations_holding_99_percent']:.2f}",
    ),
)


def _table(sizes: dict[str, Any], figures: tuple[Figure, ...]) -> list[str]:
    head = "| | " + " | ".join(f"{int(size):,}" for size in sizes) + " |"
    rows = [
        f"| {name} | " + " | ".join(say(at_size) for at_size in sizes.values()) + " |"
        for name, say in figures
    ]
    return [head, "| --- |" + " --- |" * len(sizes), *rows]


def _crowded(crowded: dict[str, Any] | None) -> list[str]:
    if crowded is None:
        return []
    return [
        "## A crowded index",
        "",
        f"{crowded['asked']:,} networks seen through a second probe set, in an index of"
        f" {crowded['index']:,}, where each also exists under the first key: recall@10"
        f" {crowded['rest']['recall']:.4f}, {_answers(crowded['rest'])} through REST.",
        "",
    ]


def _sweep(sweep: dict[str, Any] | None) -> list[str]:
    if sweep is None:
        return []
    rows = [
        f"| {row['m']} | {row['ef_construction']} | {row['build_seconds']:.1f} s | {row['width']} |"
        f" {row['walks']} | {row['recall']:.4f} | {row['worst']:.1f} | {_answers(row)} |"
        for row in sweep["found"]
    ]
    return [
        f"## Choice of index parameters ({sweep['size']:,} networks)",
        "",
        "Share of the exact ten nearest among the fifty of the shortlist.",
        "",
        "| m | ef_construction | build | ef_search | walks at most | recall | worst | shortlist |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        *rows,
        "",
    ]


def _growth(sizes: dict[str, Any]) -> list[str]:
    """Exponents between the last two sizes, and what they would make of a million."""
    if len(sizes) < 2:
        return []
    (small, before), (large, after) = list(sizes.items())[-2:]
    step = math.log(int(large) / int(small))
    rows = []
    for name, kind, key in (
        ("through REST, p50 ms", "rest", "p50_ms"),
        ("full scan, p50 ms", "by_scan", "p50_ms"),
        ("insert, p50 ms", "insertion", "with_sketch_p50_ms"),
    ):
        power = math.log(after[kind][key] / before[kind][key]) / step
        million = after[kind][key] * (1e6 / int(large)) ** power
        rows.append(f"| {name} | {power:+.2f} | {million:.0f} |")
    return [
        "## Growth",
        "",
        f"Cost ∝ (networks)^power between {int(small):,} and {int(large):,}; the last column only"
        " extends that law: a million networks were not measured. It is meaningful only if the"
        " machine had the same load for both sizes: see the load in the first table.",
        "",
        "| | power | a million, extrapolated |",
        "| --- | --- | --- |",
        *rows,
        "",
    ]
