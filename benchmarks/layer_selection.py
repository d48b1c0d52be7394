"""Does DEPARA find the layer to cut at? Every cut is retrained, and compared with the score.

Source networks learn one task from real images. For a target, each is frozen up to each of its
cuts and a fresh upper part is trained on 1 % or 10 % of the target's labeled images; nothing that
was learned at one cut is there at the next. Held-out accuracy by cut is then compared with the
room ``layer_selection`` and with simpler ways of choosing. Writes docs/results/layer_selection.md.

    python -m benchmarks.layer_selection [--data ../shared/data/real] [--seeds 3] [--processes 2]

Needs the folder of real images (CIFAR-10, Fashion-MNIST, MNIST); without it, it says so and ends.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import psutil

from benchmarks.layer_protocol import measuring, page, picture
from benchmarks.real_run import environment
from benchmarks.real_run.stages import Stages, say

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Run, or say why not."""
    options = _arguments()
    if not options.page_only:
        if not (options.data / "images").is_dir():
            say(
                f"skipped: this needs real images (CIFAR-10, Fashion-MNIST, MNIST) in {options.data}"
            )
            return
        facts = run(options.data, seeds=options.seeds, processes=options.processes)
        options.out.mkdir(parents=True, exist_ok=True)
        text = json.dumps(_rounded(facts), ensure_ascii=False)
        (options.out / "layer_selection.json").write_text(text + "\n", encoding="utf-8")
    _write_page(options.out)


def run(data: Path, *, seeds: int, processes: int) -> dict[str, Any]:
    """Train, cut, retrain and score; every result, as plain data."""
    stages, began, host = Stages(), time.monotonic(), environment.describe(ROOT)
    with stages.timed("train the sources"):
        learned = measuring.learned_sources(data, processes=processes)
    with stages.timed("train the target networks"):
        references = measuring.learned_references(data, range(seeds), processes=processes)
    with stages.timed("retrain above every cut, and score"):
        rows = measuring.all_rows(
            data, [entry.source for entry in learned], references, processes=processes
        )
    return {
        "surroundings": host | {"load_after": f"{psutil.getloadavg()[0]:.1f}"},
        "seeds": seeds,
        "processes": processes,
        "seconds": stages.seconds | {"all": time.monotonic() - began},
        "cpu_seconds": measuring.processor_seconds(),
        "sources": {entry.source.name: entry.accuracy for entry in learned},
        "rows": rows,
    }


def _write_page(out: Path) -> None:
    """Page and picture from the facts beside them; remarks written by hand stay."""
    facts = json.loads((out / "layer_selection.json").read_text(encoding="utf-8"))
    path = out / "layer_selection.md"
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    path.write_text(page.written(facts, before=before), encoding="utf-8")
    picture.drawn(facts["rows"], out / "layer_selection.png")
    say(f"written: {path}")


def _rounded(value: Any) -> Any:
    """The same with five digits behind the point."""
    if isinstance(value, float):
        return round(value, 5)
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, list) else value


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="layer_selection", description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared/data/real")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--processes", type=int, default=2, help="of one thread each")
    parser.add_argument(
        "--page-only", action="store_true", help="write the page anew from layer_selection.json"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "results")
    return parser.parse_args()


if __name__ == "__main__":
    main()
