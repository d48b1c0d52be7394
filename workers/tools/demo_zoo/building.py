"""Training and export of one demo network."""

import time
from dataclasses import dataclass
from pathlib import Path

import torch

from workers.tools.demo_zoo.files import write_network
from workers.tools.demo_zoo.images import digits
from workers.tools.demo_zoo.tasks import TASKS
from workers.tools.demo_zoo.training import trained
from workers.tools.demo_zoo.transfer import transfer_accuracy


@dataclass(frozen=True)
class Built:
    """Facts about a finished network; ``last_loss`` is None for an untrained one."""

    name: str
    transfer_accuracy: float
    last_loss: float | None
    seconds: float


def build(number: int, folder: Path) -> Built:
    """Facts of the network of a task, after training on one thread and writing its files."""
    torch.set_num_threads(1)
    started = time.monotonic()
    task = TASKS[number]
    result = trained(task)
    truth = transfer_accuracy(result.network.encoder, task.input, digits())
    write_network(result.network, task, folder)
    return Built(task.name, truth, result.last_loss, round(time.monotonic() - started, 2))
