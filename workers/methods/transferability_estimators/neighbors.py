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
    """The ``count`` other rows with the largest inner product, per row, nearest first.

    Three extra candidates come from products whose factors may be rounded to bfloat16, which is
    faster on some CPUs; exact float32 products then select.
    """
    candidate_count = min(count + _SPARE, len(rows) - 1)
    candidates = _candidates(rows, candidate_count)
    nearest_of_blocks = []
    step = max(1, _NUMBERS_PER_BLOCK // (candidate_count * rows.shape[1]))
    for start in range(0, len(rows), step):
        block = slice(start, start + step)
        exact = torch.einsum("ru,rcu->rc", rows[block], rows[candidates[block]])
        nearest_of_blocks.append(candidates[block].gather(1, exact.topk(count, dim=1).indices))
    return torch.cat(nearest_of_blocks)


def _candidates(
    rows: Float32[Tensor, "image unit"], count: int
) -> Int64[Tensor, "image candidate"]:
    """The best of every row by rounded products; each tile serves both its rows and columns."""
    tiles = [slice(start, start + _TILE) for start in range(0, len(rows), _TILE)]
    parts_of_tiles: list[list[tuple[Tensor, Tensor]]] = [[] for _ in tiles]
    with rounding_factors():
        for row_tile, row_slice in enumerate(tiles):
            for column_tile in range(row_tile, len(tiles)):
                tile = rows[row_slice] @ rows[tiles[column_tile]].T
                if row_tile == column_tile:
                    tile.fill_diagonal_(-torch.inf)
                else:
                    parts_of_tiles[column_tile].append(
                        _best(tile.T.contiguous(), count, row_slice.start)
                    )
                parts_of_tiles[row_tile].append(_best(tile, count, tiles[column_tile].start))
    return torch.cat([_merged(parts, count) for parts in parts_of_tiles])


def _best(tile: Tensor, count: int, start: int) -> tuple[Tensor, Tensor]:
    """Values and indices of every row's largest entries; the tile's columns begin at ``start``."""
    values, indices = tile.topk(min(count, tile.shape[1]), dim=1)
    return values, indices + start


def _merged(parts: list[tuple[Tensor, Tensor]], count: int) -> Int64[Tensor, "row candidate"]:
    """Indices of the largest entries over several tiles."""
    values = torch.cat([part[0] for part in parts], dim=1)
    indices = torch.cat([part[1] for part in parts], dim=1)
    return indices.gather(1, values.topk(count, dim=1).indices)


@contextmanager
def rounding_factors() -> Iterator[None]:
    """Lets CPU products round their factors to bfloat16; sums stay float32."""
    matmul: Any = torch.backends.mkldnn.matmul  # type: ignore[attr-defined]
    previous_precision = matmul.fp32_precision
    matmul.fp32_precision = "bf16"
    try:
        yield
    finally:
        matmul.fp32_precision = previous_precision
