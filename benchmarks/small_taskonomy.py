"""Ground truth of our own: does any measure foresee which network transfers to which task?

Encoders of one architecture are trained on different tasks over the same real images; each is
frozen and given a small decoder for every task, trained on 400 images; who wins on images held
out is the truth. Then DEPARA, attribution maps, RSA, DDS, CKA, LogME and plain baselines are judged
against it, and docs/results/small_taskonomy.md is written.

    python -m benchmarks.small_taskonomy [--data ../shared/data/real] [--work DIR] [--device cuda]

CIFAR-10 is the zoo that settings were chosen on; Fashion-MNIST, with encoders of its own, was never
used to choose anything. What was trained is kept in the work folder and found there again.
Without the data it says so and ends well.
"""

import argparse
import json
import tempfile
from pathlib import Path

import torch

from benchmarks.real_run import environment
from benchmarks.real_run.stages import Stages, say
from benchmarks.taskonomy import page, picture
from benchmarks.taskonomy.experiment import Plan, scores_of, zoo_of
from benchmarks.taskonomy.facts import Facts, facts_of
from benchmarks.taskonomy.images import ALBUMS

ROOT = Path(__file__).parents[1]
NAME = "small_taskonomy"
SEEDS = {"cifar": 5, "fashion": 3}


def main() -> None:
    """Run, or say why not."""
    options = _arguments()
    if options.page_only:
        _write_page(options.out)
        return
    if not (options.data / "images").is_dir():
        say(f"skipped: there are no real images in {options.data}")
        return
    with tempfile.TemporaryDirectory(prefix="taskonomy-") as folder:
        facts = run(options, Path(folder) if options.work is None else options.work)
    path = options.out / f"{NAME}.json"
    path.write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n")
    _write_page(options.out)


def run(options: argparse.Namespace, work: Path) -> Facts:
    """Both zoos, one after the other."""
    torch.set_num_threads(options.threads)
    stages = Stages()
    zoos = {}
    for name in options.zoos:
        album = ALBUMS[name](options.data).to(torch.device(options.device))
        plan = Plan(options.steps, SEEDS[name], options.probes, work / name)
        with stages.timed(f"{album.name}: encoders and transfers, as far as not kept"):
            zoo = zoo_of(album, plan, seed=options.seed)
        with stages.timed(f"{album.name}: measure and judge"):
            zoos[name] = facts_of(zoo, scores_of(zoo, album, plan))
    picture.save(next(iter(zoos.values())), options.out / f"{NAME}.png")
    return {
        "surroundings": environment.describe(ROOT),
        "settings": {
            key: getattr(options, key)
            for key in ("zoos", "steps", "probes", "seed", "threads", "device")
        },
        "zoos": zoos,
    }


def _write_page(out: Path) -> None:
    """The page from the facts beside it; the reading, written by hand, stays."""
    facts = json.loads((out / f"{NAME}.json").read_text())
    path = out / f"{NAME}.md"
    before = path.read_text() if path.exists() else ""
    path.write_text(page.written(facts, before=before))
    say(f"written: {path}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=NAME, description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared/data/real")
    parser.add_argument("--work", type=Path, help="keeps encoders and losses; default: nowhere")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "results")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, default=650, help="training steps of an encoder")
    parser.add_argument("--zoos", nargs="+", choices=sorted(SEEDS), default=list(SEEDS))
    parser.add_argument("--probes", type=int, default=384)
    parser.add_argument("--seed", type=int, default=0, help="of the encoders")
    parser.add_argument(
        "--page-only", action="store_true", help="write the page anew from its JSON"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
