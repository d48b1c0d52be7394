"""One real export in a sandboxed child, to see whether this machine can make programs.

``python -m workers.tools.export_trial`` starts a fork server of its own, trains a tiny network on noise
for one step in a child of it, as every job runs, and prints ``{"export": null}``, or the reason
why no program came of it.
"""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from service.core.errors import UnavailableError
from workers.isolation.fork_client import Child, ForkServerClient
from workers.isolation.workdir import Scratch

_SIDE = 8
_LISTENING_SECONDS = 1.0
_ORDER = {
    "life": "job",
    "cpu_seconds": 60,
    "threads": 1,
    "device": "cpu",
    "require_sandbox": False,
}
_REQUEST = {
    "method": "reference_network",
    "origin": {"job": "export_trial", "version": 1},
    "params": {"steps": 1, "width": 4, "batch_size": 2},
    "facts": {"name": "noise", "classes": ["a", "b"], "labels": [0, 1] * 4},
}


def export_problem(folder: Path) -> str | None:
    """Why a sandboxed child cannot export a network here; None when it can."""
    scratch = Scratch(folder / "job")
    _lay_out(scratch)
    fork_server = ForkServerClient(folder / "cache")
    try:
        last = _last_message(fork_server.fork({**_ORDER, "folder": str(scratch.folder)}))
    except UnavailableError as error:
        return f"{error.detail}; {error.remedy}"
    finally:
        fork_server.close()
    if last.get("kind") == "done":
        return None
    reason = last.get("error") or {"detail": "the child ended without a message"}
    return f"{reason['detail']}\n{last.get('trace', '')}".strip()


def _lay_out(scratch: Scratch) -> None:
    """What the child reads: a request, and images of noise."""
    scratch.make()
    noise = np.random.default_rng(0).integers(0, 255, (8, _SIDE, _SIDE, 3), dtype=np.uint8)
    np.save(scratch.inputs / "canonical.npy", noise)
    scratch.request.write_text(json.dumps(_REQUEST))


def _last_message(child: Child) -> dict[str, Any]:
    """The last message of the child; empty when there was none."""
    last: dict[str, Any] = {}
    while not child.ended:
        for message in child.listen(_LISTENING_SECONDS):
            last = message
    child.close()
    return last


def main() -> None:
    """Print the trial's outcome as a JSON object."""
    with TemporaryDirectory(prefix="zoo-") as folder:
        problem = export_problem(Path(folder))
    sys.stdout.write(json.dumps({"export": problem}) + "\n")


if __name__ == "__main__":
    main()
