"""Inner products of features that are too wide to keep for all probes at once.

Features of R probes are resident at a time; the others are recomputed and dropped. For n probes
that takes about n²/(2R) + n/2 forward passes of one image instead of n, and memory for 1.25 R
features instead of n. The result does not depend on R, up to float64 rounding.

Axes: ``probe`` one image, ``unit`` one number of the feature F.
"""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Bool, Float, Float64
from torch import Tensor

_UNITS_PER_BLOCK = 4096
_STREAM_SHARE = 4

ReadProbes = Callable[[int, int], Float[Tensor, "some unit"]]


def products(
    left: Float[Tensor, "probe unit"], right: Float[Tensor, "other unit"]
) -> Float64[Tensor, "probe other"]:
    """⟨F_p, F_q⟩ for every p on the left and q on the right, summed in float64 by blocks."""
    total = torch.zeros(len(left), len(right), dtype=torch.float64)
    for start in range(0, left.shape[1], _UNITS_PER_BLOCK):
        block = slice(start, start + _UNITS_PER_BLOCK)
        total += left[:, block].double() @ right[:, block].double().T
    return total


def resident_probes(budget_bytes: int, *, units: int, least: int = 1) -> int:
    """R: float32 features of ``units`` numbers that fit while a quarter as many are streamed."""
    fitting = int(budget_bytes * _STREAM_SHARE / ((_STREAM_SHARE + 1) * 4 * units))
    return max(least, fitting)


def streamed_products(
    read: ReadProbes, probes: int, *, resident: int
) -> Float64[Tensor, "probe probe"]:
    """All inner products of features that ``read(start, stop)`` computes on demand.

    Args:
        read: Features of a range of probes, float32 on the CPU; must be deterministic.
        probes: n.
        resident: R, features in memory at a time; a quarter as many are streamed past them.
    """
    gram = torch.zeros(probes, probes, dtype=torch.float64)
    stride = max(1, resident // _STREAM_SHARE)
    for start in range(0, probes, resident):
        stop = min(start + resident, probes)
        resident_features = read(start, stop)
        gram[start:stop, start:stop] = products(resident_features, resident_features)
        for first in range(stop, probes, stride):
            last = min(first + stride, probes)
            block = products(resident_features, read(first, last))
            gram[start:stop, first:last] = block
            gram[first:last, start:stop] = block.T
    return gram


def centered_products(
    gram: Float64[Tensor, "probe probe"], mask: Bool[Tensor, " probe"]
) -> Float64[Tensor, "probe probe"]:
    """⟨F_p − F̄, F_q − F̄⟩ from ⟨F_p, F_q⟩, F̄ the mean over valid probes; invalid rows stay 0.

    G_pq − mean_q G_pq − mean_p G_pq + mean G needs only the products, not the features.
    """
    present = mask.double()
    valid_products = gram * present.unsqueeze(0) * present.unsqueeze(1)
    count = present.sum().clamp_min(1)
    rows = valid_products.sum(dim=1, keepdim=True) / count
    centered = valid_products - rows - rows.T + valid_products.sum() / count.square()
    return centered * present.unsqueeze(0) * present.unsqueeze(1)


def fit_in_memory(bytes_of_each: Sequence[int], *, budget_bytes: int) -> list[bool]:
    """Flags of the features that stay in memory: the narrowest first, while all fit together."""
    resident = [False] * len(bytes_of_each)
    left = budget_bytes
    for index in sorted(range(len(resident)), key=lambda index: bytes_of_each[index]):
        left -= bytes_of_each[index]
        if left < 0:
            break
        resident[index] = True
    return resident
