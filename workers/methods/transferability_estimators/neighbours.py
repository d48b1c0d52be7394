"""The nearest images of every image, exact and in bounded memory.

Axes: ``image`` one labeled image, ``unit`` one number of its feature, ``near`` one neighbor.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float32, Int64
from torch import Tensor

_TILE = 2048
_NUMBERS_PER_BLOCK = 2**22
_SPARE = 3


def nearest(rows: Float32[Tensor, "image unit"], *, count: int) -> Int64[Tensor, "image near"]:
    """Each row's ``count`` others of the greatest inner product, nearest first.

    Candidates, three more than are wanted, come from products whose factors are rounded to
    bfloat16 where the processor is faster with them; float32 decides.
    """
    kept = min(count + _SPARE, len(rows) - 1)
    candidates = _candidates(rows, kept)
    found = []
    step = max(1, _NUMBERS_PER_BLOCK // (kept * rows.shape[1]))
    for start in range(0, len(rows), step):
        place = slice(start, start + step)
        exact = torch.einsum("ru,rcu->rc", rows[place], rows[candidates[place]])
        found.append(candidates[place].gather(1, exact.topk(count, dim=1).indices))
    return torch.cat(found)


def _candidates(
    rows: Float32[Tensor, "image unit"], kept: int
) -> Int64[Tensor, "image candidate"]:
    """The best of every row by rounded products; each tile serves its rows and its columns."""
    tiles = [slice(start, start + _TILE) for start in range(0, len(rows), _TILE)]
    found: list[list[tuple[Tensor, Tensor]]] = [[] for _ in tiles]
    with rounding_factors():
        for above, left in enumerate(tiles):
            for below in range(above, len(tiles)):
                tile = rows[left] @ rows[tiles[below]].T
                if above == below:
                    tile.fill_diagonal_(-torch.inf)
                else:
                    found[below].append(_best(tile.T.contiguous(), kept, left.start))
                found[above].append(_best(tile, kept, tiles[below].start))
    return torch.cat([_merged(parts, kept) for parts in found])


def _best(tile: Tensor, kept: int, start: int) -> tuple[Tensor, Tensor]:
    """Values and places of every row's greatest entries; the tile's columns begin at ``start``."""
    values, places = tile.topk(min(kept, tile.shape[1]), dim=1)
    return values, places + start


def _merged(parts: list[tuple[Tensor, Tensor]], kept: int) -> Int64[Tensor, "row candidate"]:
    """The places of the greatest among what several tiles found."""
    values = torch.cat([part[0] for part in parts], dim=1)
    places = torch.cat([part[1] for part in parts], dim=1)
    return places.gather(1, values.topk(kept, dim=1).indices)


@contextmanager
def rounding_factors() -> Iterator[None]:
    """Products on the processor may round their factors to bfloat16; sums stay float32."""
    matmul: Any = torch.backends.mkldnn.matmul  # type: ignore[attr-defined]
    before = matmul.fp32_precision
    matmul.fp32_precision = "bf16"
    try:
        yield
    finally:
        matmul.fp32_precision = before
