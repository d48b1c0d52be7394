"""All pairs of a thousand networks against one raw matrix product and the published loop.

In one run, on synthetic graphs (random unit maps as float16, random permutations as ranks):

* product: one float32 matrix product XXᵀ of the same size, X holding maps and ranks side by side,
  ready in memory; nothing else.
* memory: `all_pairs` on graphs in memory: conversion from float16, both similarities, valid counts.
* files: the same, streamed from safetensors files that the system has just written.
* loop: the published way, pair by pair and probe by probe: cosine of two maps, argsort ranks of
  both edge lists, 1 − 6Σd²/(m³ − m). Timed on a few pairs and scaled to all; never run in full.

Times are processor seconds, so that other work on the machine does not count.

    python -m benchmarks.pairwise [--json FILE] [--models 1000] [--probes 200] [--grid 32]
                                  [--repeats 3] [--threads 1] [--loop-pairs 12]
"""

import argparse
import json
import platform
import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from workers.torchkit.similarity.all_pairs import all_pairs
from workers.torchkit.similarity.graphs import (
    DeparaGraph,
    GraphFile,
    GraphSource,
    to_metadata,
    to_tensors,
)


def synthetic_graph(number: int, *, probes: int, pixels: int) -> DeparaGraph:
    """A graph of random unit maps and a random order of edges, drawn from its number."""
    generator = torch.Generator().manual_seed(number)
    maps = torch.nn.functional.normalize(torch.randn(probes, pixels, generator=generator), dim=1)
    edges = probes * (probes - 1) // 2
    ranks = 2 * (torch.randperm(edges, generator=generator).int() + 1)
    return DeparaGraph(
        f"{number:05d}", "synthetic", maps.half(), ranks, torch.ones(probes, dtype=torch.bool)
    )


def side_by_side(graphs: Sequence[DeparaGraph]) -> Tensor:
    """All maps and ranks as one float32 matrix, one row per network."""
    rows = [torch.cat([graph.maps.flatten().float(), graph.ranks.float()]) for graph in graphs]
    return torch.stack(rows)


def published_pair(left: DeparaGraph, right: DeparaGraph) -> float:
    """One pair as the released code goes about it: a loop over probes, and ranks by argsort."""
    total = 0.0
    for left_map, right_map in zip(
        left.maps.float().numpy(), right.maps.float().numpy(), strict=True
    ):
        total += float(
            left_map @ right_map / (np.linalg.norm(left_map) * np.linalg.norm(right_map))
        )
    edges = [np.argsort(np.argsort(-side.ranks.numpy())) for side in (left, right)]
    count = float(len(edges[0]))
    squares = float(np.square((edges[0] - edges[1]).astype(np.float64)).sum())
    return total / len(left.maps) + 1 - 6 * squares / (count**3 - count)


def seconds_of(work: Callable[[], object]) -> float:
    """Processor seconds of one call: what others do on the machine does not count."""
    start = time.process_time()
    work()
    return time.process_time() - start


def measured(
    graphs: Sequence[DeparaGraph], files: Sequence[GraphSource], repeats: int
) -> dict[str, Any]:
    """The best of interleaved repeats, in processor seconds, for product, memory and files."""
    matrix = side_by_side(graphs)
    contestants: dict[str, Callable[[], object]] = {
        "product": lambda: matrix @ matrix.T,
        "memory": lambda: all_pairs(graphs),
        "files": lambda: all_pairs(files),
    }
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(repeats):
        for name, work in contestants.items():
            times[name].append(seconds_of(work))
    return {name: min(seconds) for name, seconds in times.items()}


def loop_seconds(graphs: Sequence[DeparaGraph], pairs: int) -> float:
    """The published loop on a few pairs, scaled to all."""
    chosen = [(graphs[2 * k], graphs[2 * k + 1]) for k in range(pairs)]
    per_pair = seconds_of(lambda: [published_pair(*pair) for pair in chosen]) / pairs
    return per_pair * len(graphs) * (len(graphs) - 1) / 2


def largest_disagreement(graphs: Sequence[DeparaGraph], pairs: int) -> float:
    """How far our node plus edge similarity lies from the published loop's, at most."""
    few = graphs[: 2 * pairs]
    ours = all_pairs(few).scores(1.0)
    return max(
        abs(float(ours[2 * k, 2 * k + 1]) - published_pair(few[2 * k], few[2 * k + 1]))
        for k in range(pairs)
    )


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Everything that is reported."""
    torch.set_num_threads(options.threads)
    graphs = [
        synthetic_graph(number, probes=options.probes, pixels=options.grid**2)
        for number in range(options.models)
    ]
    with tempfile.TemporaryDirectory() as folder:
        for graph in graphs:
            path = Path(folder) / f"{graph.model_id}.safetensors"
            save_file(to_tensors(graph), path, metadata=to_metadata(graph))
        files = [GraphFile(path) for path in sorted(Path(folder).iterdir())]
        seconds = measured(graphs, files, options.repeats)
    seconds["loop_scaled"] = loop_seconds(graphs, options.loop_pairs)
    return {
        "models": options.models,
        "probes": options.probes,
        "grid": options.grid,
        "threads": options.threads,
        "processor": platform.processor() or platform.machine(),
        "seconds": seconds,
        "over_product": {k: seconds[k] / seconds["product"] for k in ("memory", "files")},
        "loop_over_memory": seconds["loop_scaled"] / seconds["memory"],
        "largest_disagreement": largest_disagreement(graphs, options.loop_pairs),
        "peak_memory_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    }


def table(facts: dict[str, Any]) -> str:
    """The result as it goes into the documentation."""
    seconds, ratio = facts["seconds"], facts["over_product"]
    return "\n".join(
        [
            "| contestant | processor seconds | over the product |",
            "|---|---|---|",
            f"| one raw product | {seconds['product']:.2f} | 1.00 |",
            f"| all pairs, in memory | {seconds['memory']:.2f} | {ratio['memory']:.2f} |",
            f"| all pairs, from files | {seconds['files']:.2f} | {ratio['files']:.2f} |",
            f"| published loop, scaled | {seconds['loop_scaled']:.0f}"
            f" | {seconds['loop_scaled'] / seconds['product']:.0f} |",
            "",
            f"{facts['models']} networks, {facts['probes']} probes, grid {facts['grid']};"
            f" loop over ours {facts['loop_over_memory']:.0f}×;"
            f" largest disagreement {facts['largest_disagreement']:.1e};"
            f" peak memory {facts['peak_memory_gib']:.1f} GiB",
        ]
    )


def main() -> None:
    """Measure, print, and write JSON where asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path)
    for name, default in (
        ("models", 1000),
        ("probes", 200),
        ("grid", 32),
        ("repeats", 3),
        ("threads", 1),
        ("loop-pairs", 12),
    ):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    facts = run(options)
    print(table(facts))
    if options.json is not None:
        options.json.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
