"""Which networks have the same weights, whatever file they came in."""

import hashlib
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from workers.programs.program import Program

_MASK_VALUES = 2


def weights_fingerprint(program: Program) -> str | None:
    """SHA-256 over the contents of trained tensors, batch statistics and tables; None without any.

    A table is a constant of numbers, such as the support of a few-shot learner or a baked style; masks
    and single numbers are none, because every export writes them in its own way. Names, order and the
    file's element type do not count: the same weights under other names, or stored in half precision
    and then as float32, have the same fingerprint.
    """
    statistics = [value for norm in program.batch_norms for value in (norm.mean, norm.variance)]
    trained = [*program.parameters(), *statistics]
    if not trained:
        return None
    tensors = [*trained, *_tables(program, trained)]
    return hashlib.sha256("".join(sorted(map(_digest, tensors))).encode()).hexdigest()


def _tables(program: Program, trained: Sequence[Tensor]) -> Iterator[Tensor]:
    """The constants with more than two different numbers."""
    trained_ids = {id(tensor) for tensor in trained}
    for _, tensor in program.named_weights():
        is_constant = id(tensor) not in trained_ids and tensor.is_floating_point()
        if is_constant and tensor.numel() > _MASK_VALUES and not _is_mask(tensor):
            yield tensor


def _is_mask(tensor: Tensor) -> bool:
    """Whether there are no values besides the least and the greatest."""
    least, greatest = tensor.aminmax()
    return bool(((tensor == least) | (tensor == greatest)).all())


def _digest(tensor: Tensor) -> str:
    """SHA-256 over shape and values, as float32 unless they are integers."""
    values = tensor.detach().cpu()
    values = (values.float() if values.is_floating_point() else values).contiguous()
    digest = hashlib.sha256(f"{values.dtype} {tuple(values.shape)}".encode())
    digest.update(values.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
