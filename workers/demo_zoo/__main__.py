"""``python -m workers.demo_zoo FOLDER``: train, write files, measure the truth.

Prints one JSON object a line: how many networks there will be, then each network with its true
transfer accuracy as it is done.
"""

import json
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path
from typing import Any

from workers.demo_zoo.building import build
from workers.demo_zoo.files import write_labeled, write_unlabeled
from workers.demo_zoo.images import digits, smaller
from workers.demo_zoo.lessons import LESSONS

PROCESSES = 2


def main(folder: Path) -> None:
    """Everything, in two processes."""
    folder.mkdir(parents=True, exist_ok=True)
    _say({"networks": len(LESSONS)})
    write_unlabeled(digits().probes, folder / "probes.zip")
    write_labeled(smaller(digits().labeled), folder / "target.zip")
    write_labeled(smaller(digits().exam), folder / "exam.zip")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["workers.demo_zoo.building"])
    with ProcessPoolExecutor(PROCESSES, mp_context=context) as pool:
        for done in as_completed([pool.submit(build, n, folder) for n in _longest_first()]):
            _say(asdict(done.result()))


def _longest_first() -> list[int]:
    """Numbers of the lessons, so ordered that neither process waits long for the other."""
    return sorted(range(len(LESSONS)), key=lambda number: LESSONS[number].classes is not None)


def _say(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
