"""How a training computes where there is an accelerator: bfloat16 products, channels innermost."""

from contextlib import AbstractContextManager, nullcontext
from functools import partial

import torch
from torch import nn

from workers.torchkit.bodies import StudentNetwork
from workers.torchkit.courses import Arithmetic

_OF_IMAGES = 4


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
        lay(student, torch.channels_last)


def lay(network: nn.Module, layout: torch.memory_format) -> nn.Module:
    """The network, whose weights of images lie in this order of axes."""
    for one in network.parameters():
        if one.dim() == _OF_IMAGES:
            one.data = one.data.contiguous(memory_format=layout)
    return network
