"""Tensors and plain facts in one file."""

import json
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor


def stored(path: Path, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
    """The file exists, whole."""
    partial = path.with_suffix(".partial")
    metadata = {"facts": json.dumps(facts)}
    save_file({name: t.contiguous() for name, t in tensors.items()}, partial, metadata=metadata)
    partial.rename(path)


def read(path: Path) -> dict[str, Any]:
    """The tensors and the facts of a file, by name."""
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
        return {**tensors, **json.loads(file.metadata()["facts"])}
