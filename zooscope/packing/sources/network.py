"""A network of an origin: what the origin says about it, and how its weights are loaded."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

_HASH_CHARACTERS = 16


@dataclass(frozen=True)
class LoadedNetwork:
    """A module with its weights. ``revision`` names them; ``notes`` say what was decided on the way."""

    module: nn.Module
    revision: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReadyFile:
    """A file that the zoo accepts as it is."""

    path: Path
    revision: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ImportableNetwork:
    """A network that an origin offers, with weights that are not loaded yet.

    Attributes:
        title: As the user named it.
        fields: The fields of the manifest that the origin states; what it does not state is absent.
        load: Makes the weights local, through the library's own loader and cache, and loads them.
        notes: What was decided, such as which of several weights.
    """

    title: str
    fields: Mapping[str, Any]
    load: Callable[[], LoadedNetwork | ReadyFile]
    notes: tuple[str, ...] = ()


def revision_of(files: Sequence[Path]) -> str:
    """A revision for local files: the beginning of a SHA-256 over their contents."""
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return f"sha256:{digest.hexdigest()[:_HASH_CHARACTERS]}"
