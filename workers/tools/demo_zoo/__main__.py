"""``python -m workers.tools.demo_zoo FOLDER``: train networks, write files, measure true transfer.

Prints one JSON object per line: the number of networks, then each finished network with its true
transfer accuracy.
"""

import json
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path
from typing import Any

from workers.tools.demo_zoo.building import build
from workers.tools.demo_zoo.files import write_labeled, write_unlabeled
from workers.tools.demo_zoo.images import digits, smaller
from workers.tools.demo_zoo.tasks import LESSONS

PROCESSES = 2


def main(folder: Path) -> None:
    """Trains and writes the whole demo, in two processes."""
    folder.mkdir(parents=True, exist_ok=True)
    _print_json({"networks": len(LESSONS)})
    write_unlabeled(digits().probes, folder / "probes.zip")
    write_labeled(smaller(digits().labeled), folder / "target.zip")
    write_labeled(smaller(digits().evaluation), folder / "evaluation.zip")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["workers.tools.demo_zoo.building"])
    with ProcessPoolExecutor(PROCESSES, mp_context=context) as pool:
        for finished in as_completed(
            [pool.submit(build, number, folder) for number in _longest_first()]
        ):
            _print_json(asdict(finished.result()))


def _longest_first() -> list[int]:
    """Indices of the lessons, slowest first, so that both processes finish about together."""
    return sorted(range(len(LESSONS)), key=lambda number: LESSONS[number].classes is not None)


def _print_json(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
