"""``python -m benchmarks.many_zoos --work FOLDER``: makes zoos that are not there and writes the page."""

import argparse
from pathlib import Path

import torch

from benchmarks.many_zoos.generate import generate
from benchmarks.many_zoos.zoos import PLANS

ROOT = Path(__file__).parents[2]


def main() -> None:
    """Every zoo one after the other; each is kept when it is done."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared/data/real")
    parser.add_argument("--work", type=Path, required=True, help="keeps zoos")
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.work.mkdir(parents=True, exist_ok=True)
    for plan in PLANS:
        generate(plan, options.data, options.work)


if __name__ == "__main__":
    main()
