"""One network of the demo, from its lesson to its files."""

import time
from dataclasses import dataclass
from pathlib import Path

import torch

from workers.demo_zoo.files import write_network
from workers.demo_zoo.images import digits
from workers.demo_zoo.lessons import LESSONS
from workers.demo_zoo.training import trained
from workers.demo_zoo.transfer import transfer_accuracy


@dataclass(frozen=True)
class Built:
    """What is known about a finished network; ``last_loss`` is None for an untrained one."""

    name: str
    transfer_accuracy: float
    last_loss: float | None
    seconds: float


def build(number: int, folder: Path) -> Built:
    """Train the network of a lesson on one thread, write its files and measure its truth."""
    torch.set_num_threads(1)
    began = time.monotonic()
    lesson = LESSONS[number]
    result = trained(lesson)
    truth = transfer_accuracy(result.network.encoder, lesson.input, digits())
    write_network(result.network, lesson, folder)
    return Built(lesson.name, truth, result.last_loss, round(time.monotonic() - began, 2))
