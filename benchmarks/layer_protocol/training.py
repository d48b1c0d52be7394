"""How every network of the protocol learns: AdamW, warm-up and half a cosine, a number of steps."""

# Tensor.backward and Tensor.split are untyped in torch.
# mypy: disable-error-code="no-untyped-call"

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from workers.torchkit.training.schedules import warm_cosine

_WEIGHT_DECAY = 1e-2


@dataclass(frozen=True)
class Schedule:
    """``steps`` of ``batch`` images at a learning rate of at most ``peak``."""

    steps: int
    batch: int
    peak: float = 5e-3


def untouched(images: Tensor) -> Tensor:
    """The images themselves."""
    return images


def learn(
    network: nn.Module,
    inputs: Tensor,
    labels: Tensor,
    schedule: Schedule,
    *,
    seed: int,
    augmented: Callable[[Tensor], Tensor] = untouched,
) -> None:
    """Train in place on batches as ``augmented`` changes them, then leave it in evaluation mode."""
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=schedule.peak, weight_decay=_WEIGHT_DECAY, fused=True
    )
    network.train()
    for step, positions in enumerate(_batches(len(labels), schedule, generator)):
        optimizer.param_groups[0]["lr"] = schedule.peak * warm_cosine(step / schedule.steps)
        loss = functional.cross_entropy(network(augmented(inputs[positions])), labels[positions])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    network.eval()


def _batches(count: int, schedule: Schedule, generator: torch.Generator) -> list[Tensor]:
    """Places of every batch: whole shuffled passes, cut into batches of equal size."""
    size = min(schedule.batch, count)
    passes = -(-schedule.steps * size // (count // size * size))
    orders = [
        torch.randperm(count, generator=generator)[: count // size * size] for _ in range(passes)
    ]
    return list(torch.cat(orders).split(size))[: schedule.steps]


@torch.no_grad()
def accuracy(network: nn.Module, inputs: Tensor, labels: Tensor, *, batch: int = 250) -> float:
    """Share of images named rightly, in [0, 1]."""
    right = 0
    for values, truth in zip(inputs.split(batch), labels.split(batch), strict=True):
        right += int((network(values).argmax(dim=1) == truth).sum())
    return right / len(labels)
