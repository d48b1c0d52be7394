"""How a training computes on an accelerator: bfloat16 products, channels-last weights."""

from contextlib import AbstractContextManager, nullcontext
from functools import partial

import torch
from torch import nn

from workers.torchkit.training.loop import Arithmetic
from workers.torchkit.training.student_networks import StudentNetwork

_CONVOLUTION_AXES = 4


def mixed_precision(kind: str) -> AbstractContextManager[object]:
    """Autocast to bfloat16 for products; losses, weights and their gradients stay float32.

    The cast weights are not cached: one training step may update a weight and use it again.
    """
    return torch.autocast(kind, dtype=torch.bfloat16, cache_enabled=False)


def arithmetic_on(device: torch.device) -> Arithmetic:
    """Mixed precision on CUDA; plain float32 on the CPU, where results are bit-reproducible."""
    return partial(mixed_precision, "cuda") if device.type == "cuda" else nullcontext


def use_channels_last(student: nn.Module, device: torch.device) -> None:
    """Puts the weights of a ``StudentNetwork`` into channels-last layout on CUDA.

    Uploaded graphs keep their layout: some contain views that fail in any other.
    """
    if device.type == "cuda" and isinstance(student, StudentNetwork):
        set_memory_format(student, torch.channels_last)


def set_memory_format(network: nn.Module, memory_format: torch.memory_format) -> nn.Module:
    """The network, with every 4-D weight stored in ``memory_format``."""
    for weight in network.parameters():
        if weight.dim() == _CONVOLUTION_AXES:
            weight.data = weight.data.contiguous(memory_format=memory_format)
    return network
