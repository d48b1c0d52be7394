"""Search concepts among the output units of published networks, against running every network.

    OMP_NUM_THREADS=1 nice -n 19 python -m benchmarks.concept_search --cache FOLDER [--seeds 3] [--write]

Without the data folder it says so and ends well. The outputs of the networks are stored in the cache
folder; another run reads them and computes what is missing.
"""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from benchmarks.concept_search import page
from benchmarks.concept_search.images import ImageGroup, groups
from benchmarks.concept_search.outputs import classifiers, outputs
from benchmarks.concept_search.study import COUNTS, MeasuredZoo, outcome, tasks
from benchmarks.real_run import environment
from benchmarks.real_run.stages import say
from workers.methods.unit_responses.maths import breadth

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "docs" / "results"


def main() -> None:
    """Run, or say why not."""
    options = _arguments()
    if not (options.data / "weights").is_dir():
        say(f"skipped: there are no real networks in {options.data}")
        return
    torch.set_num_threads(1)
    began, host = time.monotonic(), environment.describe(ROOT)
    options.cache.mkdir(parents=True, exist_ok=True)
    sets = groups(options.data)
    zoo = _zoo(options, sets)
    settings = {name: getattr(options, name) for name in ("references", "check", "neighbors")}
    rows = [
        outcome(zoo, task, **settings)
        for seed in range(options.seeds)
        for count in options.counts
        for task in tasks(sets, count=count, seed=seed)
    ]
    facts: dict[str, Any] = {
        "host": host,
        "options": {
            **settings,
            "seeds": options.seeds,
            "counts": list(options.counts),
            "without": options.without,
        },
        "networks": {name: {"breadth": zoo.breadths[name]} for name in zoo.responses},
        "units": sum(groups_of["probes"].shape[1] for groups_of in zoo.responses.values()),
        "references": zoo.references(options.references),
        "rows": rows,
        "seconds": time.monotonic() - began,
    }
    say(page.written(facts))
    if options.write:
        (RESULTS / "concept_search.json").write_text(json.dumps(facts, indent=1) + "\n")
        (RESULTS / "concept_search.md").write_text(page.written(facts))


def _zoo(options: argparse.Namespace, sets: Sequence[ImageGroup]) -> MeasuredZoo:
    """Responses of every classifier to all images."""
    stored = {
        network.name: {
            group.name: outputs(options.data, options.cache, network, group) for group in sets
        }
        for network in classifiers()
        if network.name not in options.without
    }
    return MeasuredZoo(
        responses={n: {g: o.responses.float() for g, o in of.items()} for n, of in stored.items()},
        breadths={n: breadth(of["probes"].responses) for n, of in stored.items()},
        costs={n: of["probes"].seconds_per_image for n, of in stored.items()},
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="concept_search", description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared/data/real")
    parser.add_argument("--cache", type=Path, required=True, help="folder of the outputs")
    parser.add_argument("--seeds", type=int, default=3, help="draws of images of every concept")
    parser.add_argument(
        "--counts", type=int, nargs="+", default=COUNTS, help="images of the concept"
    )
    parser.add_argument("--references", type=int, default=2)
    parser.add_argument("--check", type=int, default=3)
    parser.add_argument("--neighbors", type=int, default=5)
    parser.add_argument("--without", action="append", default=[], help="network to leave out")
    parser.add_argument("--write", action="store_true", help="write docs/results/concept_search.*")
    return parser.parse_args()


if __name__ == "__main__":
    main()
