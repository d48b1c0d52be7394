"""The loop of every training job: steps, evaluations, checkpoints, and going on from one.

A run that was cut short and goes on from its checkpoint does the same arithmetic in the same
order as one that was not: on the CPU the results are equal to the last bit.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from service.core.catalogue.training import Course
from workers.contract import Checkpoint, TrainingReport
from workers.torchkit.curves import curve_picture
from workers.torchkit.lessons import rate_at

CURVE = "curve.png"
_RANDOM = "random"
_OPTIMIZER = "optimizer"
_NETWORK = "network"
_STEPS_PER_REPORT = 10

Numbers = dict[str, float]


@dataclass
class Training:
    """Everything that changes while a training goes on.

    Attributes:
        networks: What learns, by name; also its buffers.
        optimizer: Its groups' ``share`` scales the course's rate.
        generator: The only source of randomness.
        history: One entry per evaluation: ``step`` and named numbers.
        seconds: Spent training in earlier attempts.
    """

    networks: Mapping[str, nn.Module]
    optimizer: torch.optim.Optimizer
    generator: torch.Generator
    step: int = 0
    history: list[Numbers] = field(default_factory=list)
    seconds: float = 0.0


def train(
    training: Training,
    course: Course,
    loss_of_step: Callable[[], Mapping[str, Tensor]],
    *,
    evaluate: Callable[[], Numbers],
    report: TrainingReport,
) -> None:
    """Take all steps that are left.

    Args:
        loss_of_step: Parts of the loss of one batch; their sum is minimised.
        evaluate: Held-out quality by name; draws nothing from the generator.
    """
    resume(training, report.resumed())
    clock = _Clock(training.seconds, course.seconds_between_checkpoints)
    while training.step < course.steps:
        losses = _step(training, course, loss_of_step)
        step, last = training.step, training.step == course.steps
        if step % _STEPS_PER_REPORT == 0 or last:
            report(step, course.steps, f"loss {losses['loss']:.4f}")
        if step % course.steps_between_evaluations == 0 or last:
            training.history.append({"step": float(step), **losses, **evaluate()})
            _tell(training, report)
        if clock.due() or last:
            training.seconds = clock.spent()
            report.keep(checkpoint_of(training))


class _Clock:
    """Training time over all attempts, and when the next checkpoint is due."""

    def __init__(self, before: float, pause: float) -> None:
        self._before, self._pause = before, pause
        self._begun = self._kept = time.monotonic()

    def spent(self) -> float:
        """Seconds so far."""
        return self._before + time.monotonic() - self._begun

    def due(self) -> bool:
        """Whether the pause is over; a new one then begins."""
        now = time.monotonic()
        if now - self._kept < self._pause:
            return False
        self._kept = now
        return True


def _step(
    training: Training, course: Course, loss_of_step: Callable[[], Mapping[str, Tensor]]
) -> Numbers:
    """One step of the optimiser; the parts of the loss and their sum, ``loss``."""
    rate = rate_at(training.step, steps=course.steps, peak=course.rate)
    for group in training.optimizer.param_groups:
        group["lr"] = rate * group["share"]
    parts = loss_of_step()
    loss = torch.stack(list(parts.values())).sum()
    training.optimizer.zero_grad()
    torch.autograd.backward(loss)
    training.optimizer.step()
    training.step += 1
    return {"loss": loss.item(), **{f"{name}_loss": one.item() for name, one in parts.items()}}


def _tell(training: Training, report: TrainingReport) -> None:
    """The newest numbers, and the curve of all so far."""
    numbers = {name: value for name, value in training.history[-1].items() if name != "step"}
    report.measured(training.step, numbers, {CURVE: curve_picture(training.history)})


def adamw(groups: Mapping[float, list[Tensor]], course: Course) -> torch.optim.AdamW:
    """AdamW over parameters by their share of the course's rate."""
    told = [{"params": one, "share": share} for share, one in groups.items()]
    return torch.optim.AdamW(told, lr=course.rate, weight_decay=course.weight_decay)


def checkpoint_of(training: Training) -> Checkpoint:
    """Networks, optimiser, random state, step and history."""
    tensors = {_RANDOM: training.generator.get_state()}
    for name, network in training.networks.items():
        for key, value in network.state_dict().items():
            tensors[f"{_NETWORK}.{name}.{key}"] = value
    for place, state in training.optimizer.state_dict()["state"].items():
        for key, value in state.items():
            tensors[f"{_OPTIMIZER}.{place}.{key}"] = value
    facts = {"step": training.step, "history": list(training.history), "seconds": training.seconds}
    return Checkpoint(tensors, facts)


def resume(training: Training, checkpoint: Checkpoint | None) -> None:
    """Put the training where the checkpoint was taken; without one it stays as it is."""
    if checkpoint is None:
        return
    for name, network in training.networks.items():
        network.load_state_dict(_below(checkpoint.tensors, f"{_NETWORK}.{name}."))
    states: dict[int, dict[str, Any]] = {}
    for key, value in _below(checkpoint.tensors, f"{_OPTIMIZER}.").items():
        place, _, name = key.partition(".")
        states.setdefault(int(place), {})[name] = value
    groups = training.optimizer.state_dict()["param_groups"]
    training.optimizer.load_state_dict({"state": states, "param_groups": groups})
    training.generator.set_state(checkpoint.tensors[_RANDOM])
    training.step = checkpoint.facts["step"]
    training.history = list(checkpoint.facts["history"])
    training.seconds = checkpoint.facts["seconds"]


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Entries whose names begin so, without that beginning."""
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }
