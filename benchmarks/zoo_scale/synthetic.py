"""A zoo of any size, drawn: families, lines of descent, and networks at all distances from their line.

A network's latent maps are: a part that all share, its family's center, its line's, and noise of its
own, each Gaussian; noise and lines have lengths drawn log-uniformly, so that a line has near copies
and distant members. Edges are drawn in the same way and ranked. Everything follows from the number
of the network, so that one network can be drawn alone.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

PROBES, GRID = 64, 16
PIXELS, EDGES = GRID * GRID, PROBES * (PROBES - 1) // 2
FAMILY, LINES = 400, 4
SHARED = {PROBES * PIXELS: 0.3, EDGES: 0.8}
LINE_LENGTH, OWN_LENGTH = (0.3, 1.5), (0.2, 1.5)
SEED = 20260000


@dataclass(frozen=True)
class Vectors:
    """What a graph file holds of one network."""

    maps: Tensor
    ranks: Tensor


def drawn(number: int) -> Vectors:
    """The graph of one network of the zoo."""
    generator = _generator(3, number)
    own = _between(generator, OWN_LENGTH)
    line = int(generator.integers(LINES))
    latent, agreement = (
        _line(size, number // FAMILY, line) + own * _normal(generator, size)
        for size in (PROBES * PIXELS, EDGES)
    )
    maps = latent.reshape(PROBES, PIXELS)
    unit = torch.from_numpy(maps / np.linalg.norm(maps, axis=1, keepdims=True)).half()
    ranks = np.empty(EDGES, dtype=np.int32)
    ranks[agreement.argsort()] = 2 * np.arange(1, EDGES + 1)
    return Vectors(unit, torch.from_numpy(ranks))


def flat(vectors: Vectors) -> tuple[np.ndarray, np.ndarray]:
    """Vectors u and ρ: inner products of these are s_V and s_E."""
    u = vectors.maps.numpy().astype(np.float32).reshape(-1) / np.sqrt(PROBES)
    centered = vectors.ranks.numpy().astype(np.float64) - (EDGES + 1)
    return u, (centered / np.linalg.norm(centered)).astype(np.float32)


@lru_cache(maxsize=4 * LINES)
def _line(size: int, family: int, line: int) -> np.ndarray:
    """Where the networks of one line lie around, with unit variance."""
    shared = SHARED[size] * _normal(_generator(0, size), size)
    center = _normal(_generator(1, family, size), size)
    generator = _generator(2, family, line, size)
    vector = shared + center + _between(generator, LINE_LENGTH) * _normal(generator, size)
    return vector / vector.std()


def _between(generator: np.random.Generator, bounds: tuple[float, float]) -> float:
    low, high = np.log(bounds)
    return float(np.exp(generator.uniform(low, high)))


def _normal(generator: np.random.Generator, size: int) -> np.ndarray:
    return generator.standard_normal(size, dtype=np.float32)


def _generator(*key: int) -> np.random.Generator:
    return np.random.default_rng([SEED, *key])
