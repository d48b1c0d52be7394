"""How fast this process computes: a convolution and a sum, timed for a moment."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from workers.child.job import enter_sandbox
from workers.isolation.pipe import MessageWriter
from workers.isolation.workdir import Scratch

_CHANNELS, _SIDE, _KERNEL = 64, 56, 3
_NUMBERS = 2**23
_FLOAT_BYTES = 4
_REPEATS = 5


def run(config: Mapping[str, Any], messages: int) -> int:
    """Send the measured speed; the exit status."""
    writer = MessageWriter(messages)
    enter_sandbox(config, Scratch(Path(config["folder"])))
    device = torch.device(config["device"])
    with torch.inference_mode():
        writer.send(
            "speed",
            flops_per_second=_flops_per_second(device),
            bytes_per_second=_bytes_per_second(device),
        )
    return 0


def _flops_per_second(device: torch.device) -> float:
    """Operations per second of a convolution as networks have it."""
    images = torch.randn(1, _CHANNELS, _SIDE, _SIDE, device=device)
    kernel = torch.randn(_CHANNELS, _CHANNELS, _KERNEL, _KERNEL, device=device)
    flops = 2 * _CHANNELS * _CHANNELS * _KERNEL**2 * _SIDE**2
    return flops / _shortest(lambda: torch.conv2d(images, kernel, padding="same"), device)


def _bytes_per_second(device: torch.device) -> float:
    """Bytes that a sum of large values writes per second, into memory that is there already."""
    values = torch.ones(_NUMBERS, device=device)
    sums = torch.empty_like(values)
    return _NUMBERS * _FLOAT_BYTES / _shortest(lambda: torch.add(values, values, out=sums), device)


def _shortest(action: Callable[[], object], device: torch.device) -> float:
    """Seconds of the fastest of a few runs, after one to warm up."""
    action()
    seconds = []
    for _ in range(_REPEATS):
        started = time.perf_counter()
        action()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        seconds.append(time.perf_counter() - started)
    return min(seconds)
