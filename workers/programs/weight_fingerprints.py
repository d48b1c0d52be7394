"""Which networks have the same weights, whatever file they came in."""

import hashlib

import torch
from torch import Tensor

from workers.programs.program import Program


def weights_fingerprint(program: Program) -> str | None:
    """SHA-256 over the contents of trained tensors and batch statistics; None without any.

    Names, order and the file's element type do not count: the same weights under other names, or
    stored in half precision and then as float32, have the same fingerprint.
    """
    statistics = [value for norm in program.batch_norms for value in (norm.mean, norm.variance)]
    tensors = [*program.parameters(), *statistics]
    if not tensors:
        return None
    return hashlib.sha256("".join(sorted(map(_digest, tensors))).encode()).hexdigest()


def _digest(tensor: Tensor) -> str:
    """SHA-256 over shape and values, as float32 unless they are integers."""
    values = tensor.detach().cpu()
    values = (values.float() if values.is_floating_point() else values).contiguous()
    digest = hashlib.sha256(f"{values.dtype} {tuple(values.shape)}".encode())
    digest.update(values.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
