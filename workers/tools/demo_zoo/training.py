"""Training of the network of a task."""

import math
from dataclasses import dataclass
from zlib import crc32

import torch
from torch import Tensor
from torch.nn import functional

from service.core.manifest import InputSpec
from workers.tools.demo_zoo.images import Pictures
from workers.tools.demo_zoo.networks import Network
from workers.tools.demo_zoo.tasks import DemoTask, loss

BATCH = 64
PEAK_RATE = 3e-3
LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class TrainedNetwork:
    """A network in evaluation mode and its last training loss; None for an untrained one."""

    network: Network
    last_loss: float | None


def network_input(frames: Tensor, spec: InputSpec) -> Tensor:
    """Frames (n, 3, 32, 32) in [0, 1] as network inputs, preprocessed as the manifest declares."""
    if spec.channels == 1:
        frames = (frames * torch.tensor(LUMA)[:, None, None]).sum(dim=1, keepdim=True)
    if frames.shape[-1] != spec.width:
        frames = functional.interpolate(
            frames, (spec.height, spec.width), mode="bilinear", antialias=True
        )
    low, high = spec.range
    mean, std = torch.tensor(spec.mean)[:, None, None], torch.tensor(spec.std)[:, None, None]
    return (low + (high - low) * frames - mean) / std


def trained(task: DemoTask) -> TrainedNetwork:
    """The trained network of a task: AdamW with a fixed number of steps, seeded by its name."""
    seed = crc32(task.name.encode())
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = task.build()
    last_loss = _train(network, task, torch.Generator().manual_seed(seed))
    return TrainedNetwork(network.eval(), last_loss)


def _train(network: Network, task: DemoTask, generator: torch.Generator) -> float | None:
    """Trains the network in place; returns the last loss."""
    optimizer = torch.optim.AdamW(network.parameters(), lr=PEAK_RATE, weight_decay=1e-4)
    pictures, batch_loss = task.pictures(), None
    for step in range(task.steps):
        for group in optimizer.param_groups:
            group["lr"] = PEAK_RATE * 0.5 * (1 + math.cos(math.pi * step / task.steps))
        batch_loss = _step(network, _batch(pictures, generator), task, generator)
        optimizer.zero_grad()
        batch_loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return None if batch_loss is None else batch_loss.item()


def _batch(pictures: Pictures, generator: torch.Generator) -> Pictures:
    """Pictures drawn with replacement."""
    return pictures.at(torch.randint(len(pictures), (BATCH,), generator=generator))


def _step(network: Network, batch: Pictures, task: DemoTask, generator: torch.Generator) -> Tensor:
    """The loss of one batch."""
    frames, targets = task.examples(batch, generator)
    if targets.is_floating_point():
        targets = network_input(targets, task.input)
    return loss(network(network_input(frames, task.input)), targets)
