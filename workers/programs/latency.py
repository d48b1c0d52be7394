"""How long a network takes for one image on this machine."""

import time
from statistics import median

import torch

from workers.programs.exporting import example_images
from workers.programs.program import OUTPUT, Program

RUNS = 5
_MOST_SECONDS = 2.0


def latency_ms(program: Program) -> float:
    """Milliseconds of one image: the median of up to five forward passes after one to warm up.

    One image at a time, as a prediction of a single image runs; a program with a batch of its own
    runs whole batches, and an image takes its share. Two seconds are enough for slow networks.
    """
    images = example_images(program.batch or 1, program.input_shape)
    seconds: list[float] = []
    started = time.perf_counter()
    with torch.no_grad():
        program.read(images, [OUTPUT])
        while len(seconds) < RUNS and (
            not seconds or time.perf_counter() - started < _MOST_SECONDS
        ):
            began = time.perf_counter()
            program.read(images, [OUTPUT])
            seconds.append(time.perf_counter() - began)
    return 1000 * median(seconds) / len(images)
