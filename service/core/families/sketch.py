"""A network's weights as a sketch, ready to be compared."""

import base64
import hashlib
import math
import sys
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

ROWS = 16
ENTRIES = 128
MOST_WEIGHTS = 256
_KEY_LENGTH = 16


@dataclass(frozen=True)
class WeightTensor:
    """A tensor with two or more axes; ``sample`` has its entries at positions fixed by its shape.

    ``norm``, ``excess`` kurtosis and the share of ``zeros`` are those of all entries. ``half``: half
    precision holds all of them. ``levels``: levels of the even grid that does, None without one.
    """

    shape: tuple[int, ...]
    digest: str
    norm: float
    excess: float
    zeros: float
    half: bool
    levels: int | None
    sample: tuple[float, ...]

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        """The tensor as results and rows hold it."""
        sample = sample_of(stored["sample"])
        return cls(**{**stored, "shape": tuple(stored["shape"]), "sample": sample})


@dataclass(frozen=True)
class Sketch:
    """The weight tensors in the order of execution.

    Attributes:
        weights: Tensors with two or more axes.
        others: Number of other tensors: biases, scales and batch statistics.
        contents: Digest over all tensors; None if the network has none.
        program: Digest of the file that the zoo runs.
    """

    weights: tuple[WeightTensor, ...]
    others: int
    contents: str | None
    program: str | None


def sample_of(text: str) -> tuple[float, ...]:
    """The entries of a sample that is stored as base64 of little-endian float32."""
    values = array("f", base64.b64decode(text, validate=True))
    if sys.byteorder == "big":
        values.byteswap()
    return tuple(values)


def sample_grid(shape: Sequence[int]) -> tuple[int, int]:
    """How many rows a sample of a tensor has, and how many entries of each; 128 at most."""
    rows = min(shape[0], ROWS)
    return rows, min(math.prod(shape[1:]), ENTRIES // rows)


def sample_size(shape: Sequence[int]) -> int:
    """How many entries a sample of a tensor has."""
    return math.prod(sample_grid(shape)) if math.prod(shape) else 0


def trunk_keys(shapes: Iterable[Iterable[int]]) -> list[str]:
    """Digests of the leading shapes: one for each number of them from half of all to all.

    Two networks share a key exactly if their leading shapes agree for at least half of either.
    """
    digest, keys = hashlib.sha256(), []
    for shape in shapes:
        digest.update(repr(tuple(shape)).encode())
        keys.append(digest.hexdigest()[:_KEY_LENGTH])
    return keys[len(keys) // 2 :] if len(keys) > 1 else keys
