"""How a training computes where there is an accelerator: bfloat16 products, channels innermost."""

from contextlib import AbstractContextManager, nullcontext
from functools import partial

import torch
from torch import nn

from workers.torchkit.bodies import StudentNetwork
from workers.torchkit.courses import Arithmetic


def mixed(kind: str) -> AbstractContextManager[object]:
    """Products in bfloat16; losses, weights and their gradients stay float32.

    No product keeps its short copy of a weight: a turn may move weights and use them again.
    """
    return torch.autocast(kind, dtype=torch.bfloat16, cache_enabled=False)


def arithmetic_on(device: torch.device) -> Arithmetic:
    """Mixed precision on CUDA; on the CPU everything is float32, to the last bit."""
    return partial(mixed, "cuda") if device.type == "cuda" else nullcontext


def laid_out(student: nn.Module, device: torch.device) -> None:
    """Weights of a network of our own build with channels innermost on CUDA.

    Graphs of the zoo stay as they are: some hold views that no other layout can serve.
    """
    if device.type == "cuda" and isinstance(student, StudentNetwork):
        with_channels_innermost(student)


def with_channels_innermost(network: nn.Module) -> nn.Module:
    """The network, whose weights of images lie with channels innermost."""
    return network.to(memory_format=torch.channels_last)
