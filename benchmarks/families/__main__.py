"""Make families of small networks and report how well relatives are recognized.

    OMP_NUM_THREADS=1 nice -n 19 python -m benchmarks.families --cache FOLDER [--seeds 1] [--write]

Families are stored in the cache folder as sketches; another run makes what is missing. The rules were
chosen on the seeds of ``--development``; the page reports the other ones.
"""

import argparse
import json
import time
from itertools import product
from pathlib import Path

import torch

from benchmarks.families import page
from benchmarks.families.nets import ARCHITECTURES
from benchmarks.families.networks import family
from benchmarks.families.study import verdicts
from benchmarks.real_run import environment
from benchmarks.real_run.stages import say

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "docs" / "results"


def main() -> None:
    """Make, compare, report."""
    options = _arguments()
    torch.set_num_threads(1)
    options.cache.mkdir(parents=True, exist_ok=True)
    began, host = time.monotonic(), environment.describe(ROOT)
    rows = {}
    for part, seeds in (("development", options.development), ("reported", options.seeds)):
        pairs = list(product(ARCHITECTURES, seeds))
        families = {f"{name}-{seed}": family(name, seed, options.cache) for name, seed in pairs}
        rows[part] = [vars(row) for row in verdicts(families)]
    seeds = {"development": options.development, "reported": options.seeds}
    facts = {"host": host, "seeds": seeds, "seconds": time.monotonic() - began, "rows": rows}
    say(page.written(facts))
    if options.write:
        (RESULTS / "families.json").write_text(json.dumps(facts, indent=1) + "\n")
        (RESULTS / "families.md").write_text(page.written(facts))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="families", description=__doc__)
    parser.add_argument("--cache", type=Path, required=True, help="folder of the sketches")
    parser.add_argument("--development", type=int, nargs="+", default=[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--write", action="store_true", help="write docs/results/families.*")
    return parser.parse_args()


if __name__ == "__main__":
    main()
