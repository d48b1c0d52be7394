"""Short vectors that keep inner products nearly: what the index of a zoo searches.

A count sketch: every coordinate k goes, with a sign, into one of d buckets; bucket and sign come
from a fixed integer hash of k, so sketches of different machines and versions agree. Inner products
of sketches of unit vectors are unbiased with standard deviation at most √((1 + ⟨x, y⟩²)/d); brought
back to unit length, as here, their cosine deviates by (1 − ⟨x, y⟩²)/√d, so the nearer the surer.
Cost: one pass.

Source: Charikar, Chen, Farach-Colton 2002, Finding frequent items in data streams; as feature
hashing: Weinberger et al. 2009, arXiv:0902.2206.

Axes: ``probe`` one image, ``pixel`` one place of a map, ``edge`` one pair of probes.
"""

import numpy as np
import torch
from jaxtyping import Float, Float16, Int32, UInt64
from torch import Tensor
from torch.nn.functional import normalize

from service.core.sketches import EDGE_SCALE, EDGE_SKETCH_SIZE, NODE_SKETCH_SIZE
from workers.torchkit.edges import standardized_ranks

_NODE_SALT = 0x5A4F4F53434F5045
_EDGE_SALT = 0x4445504152414544
_BLOCK = 2**22


def graph_sketch(
    maps: Float[Tensor, "probe pixel"] | Float16[Tensor, "probe pixel"],
    ranks: Int32[Tensor, " edge"],
) -> Float[Tensor, " bucket"]:
    """[û; ½ρ̂], the sketch of a graph as the index holds it: 1536 numbers."""
    return torch.cat([node_sketch(maps), EDGE_SCALE * edge_sketch(ranks)])


def node_sketch(
    maps: Float[Tensor, "probe pixel"] | Float16[Tensor, "probe pixel"],
) -> Float[Tensor, " bucket"]:
    """û, 1024 numbers of norm 1: ⟨û_i, û_j⟩ estimates s_V of networks with the same valid probes."""
    return normalize(count_sketch(maps.reshape(-1), NODE_SKETCH_SIZE, salt=_NODE_SALT), dim=0)


def edge_sketch(ranks: Int32[Tensor, " edge"]) -> Float[Tensor, " bucket"]:
    """ρ̂, 512 numbers of norm 1: ⟨ρ̂_i, ρ̂_j⟩ estimates s_E; all 0 when edges are constant."""
    sketch = count_sketch(standardized_ranks(ranks), EDGE_SKETCH_SIZE, salt=_EDGE_SALT)
    return normalize(sketch, dim=0)


def count_sketch(
    vector: Float[Tensor, " value"] | Float16[Tensor, " value"], size: int, *, salt: int
) -> Float[Tensor, " bucket"]:
    """Signed sums of the vector's values in ``size`` buckets, summed in float64.

    Args:
        vector: Its length is not limited; it is taken in blocks.
        size: A power of two.
        salt: Which of the hash functions; equal salts make sketches comparable.
    """
    assert size & (size - 1) == 0, "buckets are taken from the hash's top bits"
    total = np.zeros(size)
    for start in range(0, len(vector), _BLOCK):
        values = vector[start : start + _BLOCK].double().cpu().numpy()
        hashed = mixed(np.arange(start, start + len(values), dtype=np.uint64), salt)
        signed = np.where(hashed & np.uint64(1), values, -values)
        buckets = hashed >> np.uint64(65 - size.bit_length())
        total += np.bincount(buckets.astype(np.int64), weights=signed, minlength=size)
    return torch.from_numpy(total).float()


def mixed(numbers: UInt64[np.ndarray, " value"], salt: int) -> UInt64[np.ndarray, " value"]:
    """64 well-mixed bits for every number: the same on every machine.

    Source: Steele, Lea, Flood 2014 (SplitMix64), with ``salt`` as the seed.
    """
    state = (numbers + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(salt)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))
