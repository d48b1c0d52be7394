"""Memory, layout and number format: what the machine allows without changing the answer."""

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

from workers.torchkit.features import FeatureReader

FAITHFUL_COSINE = 0.999
_WORTH_IT = 0.95
_SHARE_OF_FREE_MEMORY = 0.4
_WORKING_SET = 2.0
_LARGEST_BATCH = {"cpu": 16, "cuda": 256}


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
    """How a pass computes, and what that was measured to cost in faithfulness.

    ``map_cosine`` and ``feature_cosine`` are the smallest over the sample's probes against
    float32 in the contiguous layout; 1 where nothing else was tried. ``seconds_per_image`` is
    None where nothing was timed.
    """

    arithmetic: Arithmetic = Arithmetic.FLOAT32
    layout: MemoryLayout = MemoryLayout.CONTIGUOUS
    map_cosine: float = 1.0
    feature_cosine: float = 1.0
    seconds_per_image: float | None = None

    @property
    def memory_format(self) -> torch.memory_format:
        """Torch's word for the layout."""
        last = self.layout is MemoryLayout.CHANNELS_LAST
        return torch.channels_last if last else torch.contiguous_format


REFERENCE = NumericPolicy()
CANDIDATES = (
    NumericPolicy(layout=MemoryLayout.CHANNELS_LAST),
    NumericPolicy(Arithmetic.BFLOAT16, MemoryLayout.CHANNELS_LAST),
)


@dataclass(frozen=True)
class Trial:
    """What one policy gave on the sample."""

    maps: Float[Tensor, "probe pixel"]
    features: Float[Tensor, "probe unit"]


def numeric_policy(
    attempt: Callable[[NumericPolicy], Trial],
    *,
    images: int,
    candidates: tuple[NumericPolicy, ...] = CANDIDATES,
) -> NumericPolicy:
    """The fastest candidate whose maps and features keep their direction on the sample.

    Every probe of the sample must keep a cosine above 0.999 to float32; among those that do, a
    candidate must save a twentieth of the time to be preferred to what stands before it.

    Args:
        attempt: Computes the sample under a policy. A RuntimeError rules the policy out: some
            graphs hold views that a layout cannot serve.
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


def _compared(
    policy: NumericPolicy, attempt: Callable[[NumericPolicy], Trial], reference: Trial
) -> NumericPolicy | None:
    """The policy with its measured cosines, or None where they are too low."""
    try:
        trial = attempt(policy)
    except RuntimeError:
        return None
    maps = smallest_cosine(trial.maps, reference.maps)
    features = smallest_cosine(trial.features, reference.features)
    if min(maps, features) <= FAITHFUL_COSINE:
        return None
    return NumericPolicy(policy.arithmetic, policy.layout, maps, features)


def _timed(
    policy: NumericPolicy, attempt: Callable[[NumericPolicy], Trial], images: int
) -> NumericPolicy:
    """The policy with the seconds of one image."""
    start = time.perf_counter()
    attempt(policy)
    seconds = (time.perf_counter() - start) / images
    return NumericPolicy(
        policy.arithmetic, policy.layout, policy.map_cosine, policy.feature_cosine, seconds
    )


def smallest_cosine(
    left: Float[Tensor, "probe value"], right: Float[Tensor, "probe value"]
) -> float:
    """The lowest per-probe cosine; two zero rows agree, and one that is not finite does not."""
    norms = [torch.linalg.vector_norm(one, dim=1, dtype=torch.float64) for one in (left, right)]
    products = (left.double() * right.double()).sum(dim=1)
    both_zero = (norms[0] == 0) & (norms[1] == 0)
    cosines = torch.where(both_zero, 1.0, products / (norms[0] * norms[1]))
    return float(cosines.nan_to_num(nan=-1.0).min())


@contextmanager
def computing_under(policy: NumericPolicy, reader: FeatureReader) -> Iterator[None]:
    """The reader's weights frozen and laid out as the policy wants; all is given back."""
    weights = list(reader.parameters())
    before = [(one, one.requires_grad, one.data) for one in weights]
    try:
        for one in weights:
            one.requires_grad_(False)  # noqa: FBT003 - torch's own signature
            if one.dim() == 4 and policy.layout is MemoryLayout.CHANNELS_LAST:  # noqa: PLR2004
                one.data = one.data.contiguous(memory_format=torch.channels_last)
        with autocast(policy, device_of(reader)):
            yield
    finally:
        for one, needed_gradient, data in before:
            one.data = data
            one.requires_grad_(needed_gradient)


def autocast(policy: NumericPolicy, device: torch.device) -> AbstractContextManager[object]:
    """Torch's mixed precision where the policy asks for it."""
    if policy.arithmetic is Arithmetic.FLOAT32:
        return nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16, cache_enabled=True)


def device_of(reader: FeatureReader) -> torch.device:
    """Where the reader's weights are; the CPU when it has none."""
    for weight in reader.parameters():
        return weight.device
    return torch.device("cpu")


def bytes_kept_for_backward(forward: Callable[[], Tensor], *, apart_from: list[Tensor]) -> int:
    """Bytes that autograd holds on to between ``forward`` and its backward pass.

    Each storage counts once; those of ``apart_from`` (the weights) do not count.
    """
    known = {one.untyped_storage().data_ptr() for one in apart_from}
    kept: dict[int, int] = {}

    def note(saved: Tensor) -> Tensor:
        storage = saved.untyped_storage()
        if storage.data_ptr() not in known:
            kept[storage.data_ptr()] = storage.nbytes()
        return saved

    with torch.autograd.graph.saved_tensors_hooks(note, lambda saved: saved):
        result = forward()
    return sum(kept.values()) + result.untyped_storage().nbytes()


def batch_size_for(bytes_per_image: int, *, budget_bytes: int, device: torch.device) -> int:
    """Images per batch: what fits the budget with a working set as large again, within reason.

    More than 16 images at a time gain nothing on a processor; an accelerator takes up to 256.
    """
    fitting = int(budget_bytes / max(1.0, _WORKING_SET * bytes_per_image))
    return max(1, min(fitting, _LARGEST_BATCH.get(device.type, 64)))


def memory_budget(device: torch.device) -> int:
    """Bytes a pass may take: a share of what is free on the device now."""
    if device.type == "cuda":
        free, _total = torch.cuda.mem_get_info(device)
    else:
        free = min(_unused_memory(), *_process_limits())
    return int(free * _SHARE_OF_FREE_MEMORY)


def _unused_memory() -> int:
    """Memory nobody uses; caches count as used, so never less than a share of the whole.

    Asked of the kernel directly: a confined process may not read files.
    """
    page = os.sysconf("SC_PAGE_SIZE")
    unused, whole = os.sysconf("SC_AVPHYS_PAGES"), os.sysconf("SC_PHYS_PAGES")
    return page * max(unused, whole // 8)


def _process_limits() -> tuple[int, int]:
    """What this process may allocate at most; a very large number without a limit."""
    limits = (resource.getrlimit(one)[0] for one in (resource.RLIMIT_AS, resource.RLIMIT_DATA))
    address_space, data = (2**62 if one == resource.RLIM_INFINITY else one for one in limits)
    return address_space, data
