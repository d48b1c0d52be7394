"""What querying neighbors costs in zoos of a thousand to a hundred thousand networks.

A private Postgres, the real service, and a synthetic zoo that grows: graph files in the store, rows by
COPY, the index built from all of them. For every size: recall of the ten nearest before and after the
exact comparison, latencies through REST beside the full scan, cost of one more network, storage.
A second probe set with a tenth of the networks crowds the index of the largest zoo.

    python -m benchmarks.scale [--sizes 1000 10000 100000] [--queries 100] [--folder DIR]

Writes docs/results/scale.md and scale.json. The largest zoo takes 5.5 GB of disk.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psycopg

from benchmarks.real_run import environment
from benchmarks.service import private_settings
from benchmarks.zoo_scale import drawing, filling, neighbor_queries, page
from benchmarks.zoo_scale.filling import ProbeSet
from benchmarks.zoo_scale.neighbor_queries import NeighborTruth
from service.container import Zoo, zoo_from
from service.core.operations.neighbors import sketch_search
from service.embedded.home import Home, Running
from service.embedded.postgres import PrivatePostgres
from service.settings import Settings
from zooscope.cli.daemonize import running_or_started

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "results"
SEED = 20260000
WEIGHT = 0.25
OTHER_WEIGHTS = (0.0, 1.0, 10.0)
BUILT = {"m": 24, "ef_construction": 128}
SWEPT = ((16, 64), (24, 128), (32, 200))
WIDTHS = (64, 128, 256)
SWEPT_SIZE = 10_000
FULL_SCANS = 20
INSERTED = 30
AS_IS = {"MOST_SEARCHES": sketch_search.MOST_SEARCHES}
BY_INDEX = {"LARGEST_FULL_SCAN": 0}
BY_SCAN = {"LARGEST_FULL_SCAN": 10**9}


@dataclass
class ScaleCluster:
    """The zoo while it grows: what is written so far, by number of the network."""

    zoo: Zoo
    client: httpx.Client
    connection: psycopg.Connection
    probes: ProbeSet
    models: list[str]
    digests: list[str]
    sketches: np.ndarray
    truths: dict[int, NeighborTruth]
    file_bytes: int = 0


def main() -> None:
    """Measure every size, then write page and figures."""
    options = _arguments()
    with tempfile.TemporaryDirectory(prefix="zoo-scale-", dir=options.folder) as folder:
        for figures in measured(Path(folder), sorted(options.sizes), options.queries):
            (RESULTS / "scale.json").write_text(json.dumps(figures, indent=1) + "\n")
            (RESULTS / "scale.md").write_text(page.written(figures))
    print((RESULTS / "scale.md").read_text())


def measured(folder: Path, sizes: list[int], queries: int) -> Iterator[dict[str, Any]]:
    """The figures so far, as plain data, after every size and at the end."""
    figures: dict[str, Any] = {"surroundings": environment.describe(ROOT), "seed": SEED}
    figures |= {"queries": queries, "built": BUILT, "sizes": {}}
    began = time.perf_counter()
    with synthetic_zoo(folder, sizes, queries) as cluster:
        for size in sizes:
            _say(f"{size} networks: drawing")
            size_figures = {"drawing_seconds": grow(cluster, size)}
            figures["sizes"][str(size)] = size_figures | _at_size(cluster, size)
            if size == min(SWEPT_SIZE, sizes[-1]):
                figures["sweep"] = {"size": size, "found": _swept(cluster, size)}
            yield figures | _so_far(began)
        figures["crowded"] = _crowded(cluster, sizes)
    yield figures | _so_far(began)


def _so_far(began: float) -> dict[str, Any]:
    load = environment.describe(ROOT)["load"]
    return {"seconds": time.perf_counter() - began, "load_at_end": load}


@contextmanager
def synthetic_zoo(folder: Path, sizes: list[int], queries: int) -> Iterator[ScaleCluster]:
    """A running service over an empty zoo."""
    with PrivatePostgres(folder / "postgres") as postgres:
        postgres.create_database("zooscope")
        settings = private_settings(home=folder / "home", database=postgres.url())
        with _running(settings) as running, filling.connected(postgres.url()) as connection:
            key = Home(settings.folder).admin_key.read_text().strip()
            headers = {"Authorization": f"Bearer {key}"}
            zoo = zoo_from(settings, connections=1)
            with httpx.Client(base_url=running.rest_url, headers=headers, timeout=120) as client:
                probes = filling.probe_set(connection, "synthetic probes")
                truths = {
                    size: NeighborTruth(_queries(size, queries), *_nothing()) for size in sizes
                }
                yield ScaleCluster(zoo, client, connection, probes, [], [], _no_sketches(), truths)
            zoo.close()


@contextmanager
def _running(settings: Settings) -> Iterator[Running]:
    running = running_or_started(settings)
    try:
        yield running
    finally:
        environment.ended(running.pid)


def _queries(size: int, count: int) -> list[int]:
    drawn = np.random.default_rng([SEED, size]).choice(size, min(count, size), replace=False)
    return sorted(int(number) for number in drawn)


def _nothing() -> tuple[np.ndarray, np.ndarray]:
    return np.empty((0, 0), np.float32), np.empty((0, 0), np.float32)


def _no_sketches() -> np.ndarray:
    return np.empty((0, 0), np.float16)


def grow(cluster: ScaleCluster, size: int) -> float:
    """Files and rows up to ``size`` networks; seconds it took. The index is gone afterwards."""
    began = time.perf_counter()
    filling.without_index(cluster.connection)
    first = len(cluster.models)
    later = {
        later_size: truth for later_size, truth in cluster.truths.items() if later_size >= size
    }
    asked = [number for truth in later.values() for number in truth.queries]
    store = cluster.zoo.settings.folder / "blobs"
    blocks = sorted(
        drawing.blocks(store, first=first, last=size, queries=asked), key=lambda block: block.first
    )
    cluster.file_bytes = blocks[0].file_bytes
    digests = [digest for block in blocks for digest in block.digests]
    sketches = np.concatenate([block.sketches for block in blocks])
    _add(cluster, digests, sketches, first=first)
    _remember(cluster, list(later), blocks)
    return time.perf_counter() - began


def _add(cluster: ScaleCluster, digests: list[str], sketches: np.ndarray, *, first: int) -> None:
    """New rows, in a random order: families do not arrive one after the other."""
    models = filling.add_models(cluster.connection, range(first, first + len(digests)))
    order = np.random.default_rng([SEED, first]).permutation(len(models))
    filling.add_graphs(
        cluster.connection,
        cluster.probes,
        [models[index] for index in order],
        digests=[digests[index] for index in order],
        sketches=sketches[order],
    )
    cluster.models += models
    cluster.digests += digests
    cluster.sketches = sketches if first == 0 else np.concatenate([cluster.sketches, sketches])


def _remember(cluster: ScaleCluster, sizes: list[int], blocks: list[drawing.DrawnBlock]) -> None:
    """Exact products of the queries of every later size with the new networks."""
    start = 0
    for size in sizes:
        truth = cluster.truths[size]
        stop = start + len(truth.queries)
        node = np.concatenate([block.node[:, start:stop] for block in blocks])
        edge = np.concatenate([block.edge[:, start:stop] for block in blocks])
        if len(truth.node):
            node, edge = np.concatenate([truth.node, node]), np.concatenate([truth.edge, edge])
        cluster.truths[size] = NeighborTruth(truth.queries, node, edge)
        start = stop


def _at_size(cluster: ScaleCluster, size: int) -> dict[str, Any]:
    _say(f"{size} networks: building the index")
    built = filling.with_index(cluster.connection, **BUILT)
    truth = cluster.truths[size]
    few = NeighborTruth(truth.queries[:FULL_SCANS], truth.node, truth.edge)
    _say(f"{size} networks: asking")
    inside = (cluster.zoo, cluster.probes, cluster.models)
    outside = (cluster.client, cluster.probes, cluster.models)
    return {
        "load": environment.describe(ROOT)["load"],
        "build_seconds": built,
        "storage": {**filling.sizes(cluster.connection), "file_bytes": cluster.file_bytes},
        "spread": truth.spread(edge_weight=WEIGHT),
        "rest": asdict(
            neighbor_queries.through_rest(*outside, truth, edge_weight=WEIGHT, rounds=4)
        ),
        "rest_other_weights": {
            str(weight): asdict(
                neighbor_queries.through_rest(*outside, truth, edge_weight=weight, rounds=1)
            )
            for weight in OTHER_WEIGHTS
        },
        "sketch_alone": asdict(
            neighbor_queries.by_sketch(
                *inside, truth, edge_weight=WEIGHT, settings=AS_IS, count=neighbor_queries.WANTED
            )
        ),
        "by_index": asdict(
            neighbor_queries.by_sketch(*inside, few, edge_weight=WEIGHT, settings=BY_INDEX)
        ),
        "by_scan": asdict(
            neighbor_queries.by_sketch(*inside, few, edge_weight=WEIGHT, settings=BY_SCAN)
        ),
        "errors": neighbor_queries.estimate_errors(*inside, truth, edge_weight=WEIGHT),
        "insertion": neighbor_queries.insertions(*inside, INSERTED),
    }


def _swept(cluster: ScaleCluster, size: int) -> list[dict[str, Any]]:
    """Recall among the shortlist and its cost, for ways to build and to walk the index."""
    rows = []
    inside = (cluster.zoo, cluster.probes, cluster.models, cluster.truths[size])
    for m, effort in SWEPT:
        seconds = filling.with_index(cluster.connection, m=m, ef_construction=effort)
        for width in WIDTHS:
            for walks in (1, 4):
                settings = {**BY_INDEX, "_WIDTH": width, "MOST_SEARCHES": walks}
                _say(f"sweep: m {m}, ef_construction {effort}, width {width}, walks {walks}")
                answers = neighbor_queries.by_sketch(
                    *inside, edge_weight=WEIGHT, settings=settings
                )
                choice = {"m": m, "ef_construction": effort, "width": width, "walks": walks}
                rows.append({**choice, "build_seconds": seconds, **asdict(answers)})
    filling.with_index(cluster.connection, **BUILT)
    return rows


def _crowded(cluster: ScaleCluster, sizes: list[int]) -> dict[str, Any]:
    """A tenth of the networks seen through a second probe set, as twins of their first sketches."""
    asked = max([size for size in sizes if size <= len(cluster.models) // 10], default=sizes[0])
    _say(f"{asked} networks through a second probe set")
    second = filling.probe_set(cluster.connection, "other probes")
    filling.add_graphs(
        cluster.connection,
        second,
        cluster.models[:asked],
        digests=cluster.digests[:asked],
        sketches=cluster.sketches[:asked],
    )
    outside = (cluster.client, second, cluster.models, cluster.truths[asked])
    answers = neighbor_queries.through_rest(*outside, edge_weight=WEIGHT, rounds=2)
    return {"asked": asked, "index": len(cluster.models) + asked, "rest": asdict(answers)}


def _say(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what}", flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scale", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 10_000, 100_000])
    parser.add_argument("--queries", type=int, default=100, help="networks asked for, per size")
    parser.add_argument("--folder", type=Path, help="where the zoo is written and removed again")
    return parser.parse_args()


if __name__ == "__main__":
    main()
