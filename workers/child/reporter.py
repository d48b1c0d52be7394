"""How a method reports to the worker: messages through a pipe, and files beside them."""

import json
import math
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.torch import save_file

from workers.isolation.pipe import MessageWriter
from workers.isolation.workdir import Scratch
from workers.torchkit.protocols import Checkpoint

_FACTS = "facts"
_ORIGIN = "origin"


class Reporter:
    """The ``TrainingReport`` of a child.

    Args:
        origin: The job and the version of its method; only checkpoints with the same are resumed.
    """

    def __init__(self, writer: MessageWriter, scratch: Scratch, origin: Mapping[str, Any]) -> None:
        self._writer = writer
        self._scratch = scratch
        self._origin = json.dumps(origin, sort_keys=True)
        self._files = 0
        self._stop_requested = False

    def __call__(self, step: int, total: int, message: str = "") -> None:
        """Report that ``step`` of ``total`` is done."""
        self._writer.report_progress(step, total, message)

    def resumed(self) -> Checkpoint | None:
        """The staged checkpoint, unless another version of the method wrote it.

        From here on a stop request waits for ``leave_if_asked``; the worker kills a child
        whose step takes too long.
        """
        signal.signal(signal.SIGTERM, self._request_stop)
        path = self._scratch.checkpoint
        return read_checkpoint(path, self._origin) if path.exists() else None

    def keep(self, checkpoint: Checkpoint) -> None:
        """Write the checkpoint to a new file, then send its name."""
        path = self._new_file("checkpoint", "safetensors")
        tensors = {
            name: tensor.detach().cpu().contiguous() for name, tensor in checkpoint.tensors.items()
        }
        facts = json.dumps(dict(checkpoint.facts), allow_nan=False)
        save_file(tensors, path, metadata={_FACTS: facts, _ORIGIN: self._origin})
        self._writer.send("checkpoint", file=path.name)

    def _request_stop(self, _number: int, _frame: object) -> None:
        self._stop_requested = True

    def leave_if_asked(self, checkpoint: Callable[[], Checkpoint]) -> None:
        """After SIGTERM, keep the checkpoint and end by that same signal."""
        if self._stop_requested:
            self.keep(checkpoint())
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.raise_signal(signal.SIGTERM)

    def measured(
        self, step: int, numbers: Mapping[str, float], pictures: Mapping[str, bytes]
    ) -> None:
        """Write the pictures, then send their names and the numbers that are finite."""
        files = {}
        for name, data in pictures.items():
            path = self._new_file("picture", "png")
            path.write_bytes(data)
            files[name] = path.name
        finite = {name: value for name, value in numbers.items() if math.isfinite(value)}
        self._writer.send("metrics", step=step, numbers=finite, pictures=files)

    def _new_file(self, kind: str, ending: str) -> Path:
        """A new path: the worker may still be reading the previous file."""
        self._files += 1
        return self._scratch.updates / f"{kind}-{self._files}.{ending}"


def read_checkpoint(path: Path, origin: str) -> Checkpoint | None:
    """The checkpoint of a file, or None when its origin differs."""
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata() or {}
        if metadata.get(_ORIGIN) != origin:
            return None
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    return Checkpoint(tensors, json.loads(metadata[_FACTS]))
