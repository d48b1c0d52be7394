"""One real export in a sandboxed child, to check whether this machine can export programs.

``python -m workers.tools.export_trial`` starts a fork server, trains a tiny network on noise for
one step in a child, as every job runs, and prints ``{"export": null}`` or the reason for failure.
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

_IMAGE_SIZE = 8
_READ_SECONDS = 1.0
_CONFIG = {
    "entry_point": "job",
    "cpu_seconds": 60,
    "memory_bytes": 2 * 1024**3,
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
    _stage(scratch)
    fork_server = ForkServerClient(folder / "cache")
    try:
        last = _last_message(fork_server.fork({**_CONFIG, "folder": str(scratch.folder)}))
    except UnavailableError as error:
        return f"{error.detail}; {error.remedy}"
    finally:
        fork_server.close()
    if last.get("kind") == "done":
        return None
    reason = last.get("error") or {"detail": "the child ended without a message"}
    return f"{reason['detail']}\n{last.get('trace', '')}".strip()


def _stage(scratch: Scratch) -> None:
    """Write what the child reads: a request, and images of noise."""
    scratch.make()
    noise = np.random.default_rng(0).integers(
        0, 255, (8, _IMAGE_SIZE, _IMAGE_SIZE, 3), dtype=np.uint8
    )
    np.save(scratch.inputs / "canonical.npy", noise)
    scratch.request.write_text(json.dumps(_REQUEST))


def _last_message(child: Child) -> dict[str, Any]:
    """The last message of the child; empty if it sent none."""
    last: dict[str, Any] = {}
    while not child.ended:
        for message in child.read_messages(_READ_SECONDS):
            last = message
    child.close()
    return last


def main() -> None:
    """Print the result of the trial as a JSON object."""
    with TemporaryDirectory(prefix="zoo-") as folder:
        problem = export_problem(Path(folder))
    sys.stdout.write(json.dumps({"export": problem}) + "\n")


if __name__ == "__main__":
    main()
