"""Short vectors that approximately preserve inner products, for the zoo's vector index.

A count sketch: every coordinate k goes, with a sign, into one of d buckets; bucket and sign come
from a fixed integer hash of k, so sketches of different machines and versions agree. Inner products
of sketches of unit vectors are unbiased with standard deviation at most √((1 + ⟨x, y⟩²)/d). After
normalization, as here, their cosine deviates by (1 − ⟨x, y⟩²)/√d: less for similar vectors.
Cost: one pass.

Source: Charikar, Chen, Farach-Colton 2002, Finding frequent items in data streams; as feature
hashing: Weinberger et al. 2009, arXiv:0902.2206.

Axes: ``probe`` one image, ``pixel`` one position of a map, ``edge`` one pair of probes.
"""

import numpy as np
import torch
from jaxtyping import Float, Float16, Int32, UInt64
from torch import Tensor
from torch.nn.functional import normalize

from service.core.sketches import EDGE_SCALE, EDGE_SKETCH_SIZE, NODE_SKETCH_SIZE
from workers.torchkit.similarity.edges import standardized_ranks

_NODE_SALT = 0x5A4F4F53434F5045
_EDGE_SALT = 0x4445504152414544
_BLOCK = 2**22


def graph_sketch(
    maps: Float[Tensor, "probe pixel"] | Float16[Tensor, "probe pixel"],
    ranks: Int32[Tensor, " edge"],
) -> Float[Tensor, " bucket"]:
    """[û; ½ρ̂], the sketch of a graph as stored in the index: 1536 numbers."""
    return torch.cat([node_sketch(maps), EDGE_SCALE * edge_sketch(ranks)])


def node_sketch(
    maps: Float[Tensor, "probe pixel"] | Float16[Tensor, "probe pixel"],
) -> Float[Tensor, " bucket"]:
    """û, 1024 numbers of norm 1: ⟨û_i, û_j⟩ estimates s_V of networks with the same valid probes."""
    return normalize(count_sketch(maps.reshape(-1), NODE_SKETCH_SIZE, salt=_NODE_SALT), dim=0)


def edge_sketch(ranks: Int32[Tensor, " edge"]) -> Float[Tensor, " bucket"]:
    """ρ̂, 512 numbers of norm 1: ⟨ρ̂_i, ρ̂_j⟩ estimates s_E; all 0 if edges are constant."""
    sketch = count_sketch(standardized_ranks(ranks), EDGE_SKETCH_SIZE, salt=_EDGE_SALT)
    return normalize(sketch, dim=0)


def count_sketch(
    vector: Float[Tensor, " value"] | Float16[Tensor, " value"], size: int, *, salt: int
) -> Float[Tensor, " bucket"]:
    """Signed sums of the vector's values in ``size`` buckets, summed in float64.

    Args:
        vector: Of any length; it is processed in blocks.
        size: A power of two.
        salt: Selects the hash function; sketches are comparable only if their salts agree.
    """
    assert size & (size - 1) == 0, "buckets are taken from the hash's top bits"
    total = np.zeros(size)
    for start in range(0, len(vector), _BLOCK):
        values = vector[start : start + _BLOCK].double().cpu().numpy()
        hashes = splitmix64(np.arange(start, start + len(values), dtype=np.uint64), salt)
        # Sign from the lowest hash bit, bucket from the top log2(size) bits: independent bits.
        signed = np.where(hashes & np.uint64(1), values, -values)
        buckets = hashes >> np.uint64(65 - size.bit_length())
        total += np.bincount(buckets.astype(np.int64), weights=signed, minlength=size)
    return torch.from_numpy(total).float()


def splitmix64(values: UInt64[np.ndarray, " value"], salt: int) -> UInt64[np.ndarray, " value"]:
    """A 64-bit hash of every value, the same on every machine.

    Source: Steele, Lea, Flood 2014 (SplitMix64), with ``salt`` as the seed.
    """
    state = (values + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(salt)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))
