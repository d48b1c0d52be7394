"""Which measure of likeness foresees transfer in zoos of many kinds.

    OMP_NUM_THREADS=1 python -m benchmarks.many_zoos --work FOLDER [--write]

Zoos and their figures are kept in the work folder and found there again; ``--only judge`` makes no
new zoo. ``--write`` writes docs/results/many_zoos.*. Without the data it says so and ends well.
"""

import argparse
import json
from pathlib import Path

import torch

from benchmarks.many_zoos import figures, page
from benchmarks.many_zoos.generate import generate
from benchmarks.many_zoos.zoo_data import stored_zoos
from benchmarks.many_zoos.zoos import PLANS
from benchmarks.real_run import environment
from benchmarks.real_run.stages import say

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "docs" / "results"


def main() -> None:
    """Every zoo one after the other, then the measures."""
    options = _arguments()
    if not (options.data / "images").is_dir():
        say(f"skipped: there are no real images in {options.data}")
        return
    torch.set_num_threads(1)
    options.work.mkdir(parents=True, exist_ok=True)
    if options.only != "judge":
        for plan in PLANS:
            generate(plan, options.data, options.work)
    zoos = stored_zoos(options.work, [plan.name for plan in PLANS])
    facts = {
        "zoos": [figures.of_zoo(zoo, options.work) for zoo in zoos],
        "host": environment.describe(ROOT),
    }
    target = RESULTS / "many_zoos.md"
    text = page.written(facts, before=target.read_text() if target.exists() else "")
    say(text)
    if options.write:
        (RESULTS / "many_zoos.json").write_text(json.dumps(facts) + "\n")
        target.write_text(text)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="many_zoos", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared/data/real")
    parser.add_argument("--work", type=Path, required=True, help="keeps zoos and their figures")
    parser.add_argument("--only", choices=("judge",), help="make no zoo")
    parser.add_argument("--write", action="store_true", help="write docs/results/many_zoos.*")
    return parser.parse_args()


if __name__ == "__main__":
    main()
