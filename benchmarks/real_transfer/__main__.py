"""Rank the published networks for labeled targets of few images, by every metric.

    OMP_NUM_THREADS=1 nice -n 19 python -m benchmarks.real_transfer --cache FOLDER [--seeds 3] [--write]

Without the data folder it says so and ends well. Everything that is computed is stored in the cache
folder; another run reads it and computes what is missing. ``--only passes`` ends after the networks'
passes, ``--only development`` leaves the held-back targets out, ``--only page`` writes the page again.
"""

import argparse
import json
import time
from itertools import product
from pathlib import Path
from typing import Any

import torch

from benchmarks.real_networks import NETWORKS
from benchmarks.real_run import environment
from benchmarks.real_run.stages import say
from benchmarks.real_transfer import choice, likely, looks, page, study
from benchmarks.real_transfer.passes import Passes
from benchmarks.real_transfer.targets import targets

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "docs" / "results"
FACTS = "facts.json"
_REPORTED = ("seeds", "graphs", "without")


def main() -> None:
    """Run, or say why not."""
    options = _arguments()
    if not (options.data / "weights").is_dir():
        say(f"skipped: there are no real networks in {options.data}")
        return
    if options.only == "page":
        _report(json.loads((options.cache / FACTS).read_text()), options)
        return
    torch.set_num_threads(1)
    began, host = time.monotonic(), environment.describe(ROOT)
    passes = Passes(options.data, options.cache)
    sets = [
        t for t in targets(options.data) if options.only != "development" or not t.is_held_back
    ]
    wanted = [network for network in NETWORKS if network.name not in options.without]
    networks = sorted(wanted, key=lambda network: network.input.height * network.input.width)
    for network in networks:
        for target in sets:
            passes.outcome(network, target)
    for network, target, seed in product(networks, sets, range(options.graphs)):
        passes.graph(network, target, seed)
    if options.only == "passes":
        return
    facts = study.of(passes, networks, sets, seeds=options.seeds, graphs=options.graphs)
    reported = {name: value for name, value in vars(options).items() if name in _REPORTED}
    facts = {"host": host, "options": reported, **facts, "looks": looks.looks(sets)}
    facts["seconds"] = time.monotonic() - began
    (options.cache / FACTS).write_text(json.dumps(facts))
    facts = study.with_fused(facts)
    (options.cache / FACTS).write_text(json.dumps(facts))
    _report(facts, options)


def _report(facts: dict[str, Any], options: argparse.Namespace) -> None:
    """Choose, measure and print; write the page and its data if requested."""
    facts = {
        **facts,
        "choice": choice.chosen(facts),
        "rows": study.rows(facts),
        "likely": likely.coverage(facts),
    }
    say(page.written(facts))
    if options.write:
        (RESULTS / "real_transfer.json").write_text(json.dumps(facts, indent=1) + "\n")
        (RESULTS / "real_transfer.md").write_text(page.written(facts))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="real_transfer", description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared/data/real")
    parser.add_argument("--cache", type=Path, required=True, help="folder of the passes' results")
    parser.add_argument("--seeds", type=int, default=3, help="splits by which networks are ranked")
    parser.add_argument(
        "--graphs", type=int, default=1, help="splits with graphs and a reference network"
    )
    parser.add_argument("--without", action="append", default=[], help="network to leave out")
    parser.add_argument("--only", choices=("passes", "development", "page"))
    parser.add_argument("--write", action="store_true", help="write docs/results/real_transfer.*")
    return parser.parse_args()


if __name__ == "__main__":
    main()
