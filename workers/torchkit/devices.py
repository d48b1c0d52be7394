"""Memory, layout and number format: the fastest choice that keeps results faithful."""

import os
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from enum import StrEnum

import torch
from jaxtyping import Float
from torch import Tensor

from workers.programs.program import Program
from workers.programs.refusal import ProgramFailedError
from workers.torchkit.attribution.features import FeatureReader

FAITHFUL_COSINE = 0.999
_WORTH_IT = 0.95
_SHARE_OF_FREE_MEMORY = 0.4
_WORKING_SET = 2.0
_LARGEST_BATCH = {"cpu": 16, "cuda": 256}
_LARGEST_IN_CACHE = 64
# About half of the last cache of a group of cores; systems report that of all groups, or none.
_VALUE_IN_CACHE_BYTES = 16 * 2**20
_SPATIAL = 4


class Arithmetic(StrEnum):
    """Number format of the matrix products."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


class MemoryLayout(StrEnum):
    """Order of the axes of images in memory."""

    CONTIGUOUS = "contiguous"
    CHANNELS_LAST = "channels_last"


@dataclass(frozen=True)
class NumericPolicy:
    """How a pass computes, and the measured faithfulness of that choice.

    ``map_cosine`` and ``feature_cosine`` are the smallest over the sample's probes against
    float32 in the contiguous layout; 1 for the reference itself. ``seconds_per_image`` is
    None where nothing was timed.
    """

    arithmetic: Arithmetic = Arithmetic.FLOAT32
    layout: MemoryLayout = MemoryLayout.CONTIGUOUS
    map_cosine: float = 1.0
    feature_cosine: float = 1.0
    seconds_per_image: float | None = None

    @property
    def memory_format(self) -> torch.memory_format:
        """The layout as a torch memory format."""
        last = self.layout is MemoryLayout.CHANNELS_LAST
        return torch.channels_last if last else torch.contiguous_format


REFERENCE = NumericPolicy()
CANDIDATES = (
    NumericPolicy(layout=MemoryLayout.CHANNELS_LAST),
    NumericPolicy(Arithmetic.BFLOAT16, MemoryLayout.CHANNELS_LAST),
)


@dataclass(frozen=True)
class Trial:
    """Maps and features of the sample under one policy."""

    maps: Float[Tensor, "probe pixel"]
    features: Float[Tensor, "probe unit"]


def numeric_policy(
    attempt: Callable[[NumericPolicy], Trial],
    *,
    images: int,
    candidates: tuple[NumericPolicy, ...] = CANDIDATES,
) -> NumericPolicy:
    """The fastest candidate whose maps and features keep their direction on the sample.

    Every probe of the sample must keep a cosine above 0.999 to float32. A faithful candidate
    replaces the best policy so far only if it saves at least a twentieth of the time.

    Args:
        attempt: Computes the sample under a policy. A failure rules the policy out: some
            graphs contain views that fail in another layout.
        images: Number of probes in the sample.
        candidates: Policies to try, the safest first.
    """
    reference = attempt(REFERENCE)
    best = _timed(REFERENCE, attempt, images)
    for candidate in candidates:
        measured = _compared(candidate, attempt, reference)
        if measured is None:
            continue
        timed = _timed(measured, attempt, images)
        if (timed.seconds_per_image or 0.0) < _WORTH_IT * (best.seconds_per_image or 0.0):
            best = timed
    return best


def layout_policy(
    attempt: Callable[[NumericPolicy], Trial], reader: FeatureReader
) -> NumericPolicy:
    """Channels last for a network with convolutions on a CPU, if its results stay the same.

    Convolutions with few channels, or with one per group, read whole vectors of neighboring
    channels in that layout. Nothing is timed, so that a machine always chooses alike.
    """
    spatial = any(weight.dim() == _SPATIAL for weight in reader.parameters())
    if not spatial or device_of(reader).type != "cpu":
        return REFERENCE
    return _compared(CANDIDATES[0], attempt, attempt(REFERENCE)) or REFERENCE


def multiplies_bfloat16(device: torch.device) -> bool:
    """Whether the device has instructions for products of bfloat16, so that trying them can pay."""
    if device.type != "cpu":
        return True
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


def _compared(
    policy: NumericPolicy, attempt: Callable[[NumericPolicy], Trial], reference: Trial
) -> NumericPolicy | None:
    """The policy with its measured cosines, or None where they are too low."""
    try:
        trial = attempt(policy)
    except (RuntimeError, ProgramFailedError):
        return None
    maps = smallest_cosine(trial.maps, reference.maps)
    features = smallest_cosine(trial.features, reference.features)
    if min(maps, features) <= FAITHFUL_COSINE:
        return None
    return NumericPolicy(policy.arithmetic, policy.layout, maps, features)


def _timed(
    policy: NumericPolicy, attempt: Callable[[NumericPolicy], Trial], images: int
) -> NumericPolicy:
    """The policy with its measured seconds per image."""
    start = time.perf_counter()
    attempt(policy)
    seconds = (time.perf_counter() - start) / images
    return NumericPolicy(
        policy.arithmetic, policy.layout, policy.map_cosine, policy.feature_cosine, seconds
    )


def smallest_cosine(
    left: Float[Tensor, "probe value"], right: Float[Tensor, "probe value"]
) -> float:
    """The lowest per-probe cosine; two zero rows count as 1, a non-finite row as −1."""
    norms = [torch.linalg.vector_norm(rows, dim=1, dtype=torch.float64) for rows in (left, right)]
    products = (left.double() * right.double()).sum(dim=1)
    both_zero = (norms[0] == 0) & (norms[1] == 0)
    cosines = torch.where(both_zero, 1.0, products / (norms[0] * norms[1]))
    return float(cosines.nan_to_num(nan=-1.0).min())


@contextmanager
def computing_under(policy: NumericPolicy, reader: FeatureReader) -> Iterator[None]:
    """Freezes and lays out the reader's weights for ``policy``; restores both on exit."""
    weights = list(reader.parameters())
    before = [(weight, weight.requires_grad, weight.data) for weight in weights]
    try:
        for weight in weights:
            weight.requires_grad_(False)  # noqa: FBT003 - torch's own signature
            if weight.dim() == 4 and policy.layout is MemoryLayout.CHANNELS_LAST:  # noqa: PLR2004
                weight.data = weight.data.contiguous(memory_format=torch.channels_last)
        with autocast(policy, device_of(reader)):
            yield
    finally:
        for weight, needed_gradient, data in before:
            weight.data = data
            weight.requires_grad_(needed_gradient)


def autocast(policy: NumericPolicy, device: torch.device) -> AbstractContextManager[object]:
    """Mixed precision if the policy is bfloat16, else a null context."""
    if policy.arithmetic is Arithmetic.FLOAT32:
        return nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16, cache_enabled=True)


def device_of(reader: FeatureReader) -> torch.device:
    """The device of the reader's weights; the CPU if it has none."""
    for weight in reader.parameters():
        return weight.device
    return torch.device("cpu")


def bytes_kept_for_backward(forward: Callable[[], Tensor], *, apart_from: list[Tensor]) -> int:
    """Bytes that autograd keeps between ``forward`` and its backward pass.

    Each storage counts once; storages of ``apart_from`` (the weights) do not count.
    """
    excluded = {tensor.untyped_storage().data_ptr() for tensor in apart_from}
    saved_bytes: dict[int, int] = {}

    def record(saved: Tensor) -> Tensor:
        storage = saved.untyped_storage()
        if storage.data_ptr() not in excluded:
            saved_bytes[storage.data_ptr()] = storage.nbytes()
        return saved

    with torch.autograd.graph.saved_tensors_hooks(record, lambda saved: saved):
        result = forward()
    return sum(saved_bytes.values()) + result.untyped_storage().nbytes()


def batch_size_for(
    bytes_per_image: int, *, budget_bytes: int, device: torch.device, most: int | None = None
) -> int:
    """Images per batch that fit the budget together with a working set of the same size.

    At most ``most``, or else 16 on a CPU, where more gain nothing, and 256 on an accelerator.
    """
    fitting = int(budget_bytes / max(1.0, _WORKING_SET * bytes_per_image))
    largest = _LARGEST_BATCH.get(device.type, 64) if most is None else most
    return max(1, min(fitting, largest))


def images_in_cache(reader: FeatureReader) -> int:
    """Images of a batch whose largest value stays in the cache of a CPU, at most 64.

    Larger batches write every value to memory and read it back. The usual largest batch of the
    device, if the largest value is not known.
    """
    device = device_of(reader)
    if device.type != "cpu" or not isinstance(reader, Program):
        return _LARGEST_BATCH.get(device.type, _LARGEST_IN_CACHE)
    fitting = _VALUE_IN_CACHE_BYTES // reader.largest_value_bytes
    return max(1, min(fitting, _LARGEST_IN_CACHE))


def memory_budget(device: torch.device) -> int:
    """Bytes that a pass may use: a share of the device's free memory."""
    if device.type == "cuda":
        free, _total = torch.cuda.mem_get_info(device)
    else:
        free = min(_unused_memory(), *_process_limits())
    return int(free * _SHARE_OF_FREE_MEMORY)


def _unused_memory() -> int:
    """Free memory in bytes, at least an eighth of the total: caches count as used.

    Uses sysconf, since a sandboxed process may not read /proc.
    """
    page = os.sysconf("SC_PAGE_SIZE")
    unused, whole = os.sysconf("SC_AVPHYS_PAGES"), os.sysconf("SC_PHYS_PAGES")
    return page * max(unused, whole // 8)


def _process_limits() -> tuple[int, int]:
    """Limits of address space and data of this process in bytes; 2**62 if unlimited."""
    limits = (resource.getrlimit(kind)[0] for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA))
    address_space, data = (2**62 if limit == resource.RLIM_INFINITY else limit for limit in limits)
    return address_space, data
