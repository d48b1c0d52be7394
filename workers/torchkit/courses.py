"""The loop of every training job: turns, evaluations, checkpoints, and going on from one.

A training is a list of stages, each with its own players (what learns, and how fast) and its own
turn (one outer iteration). A run with a budget of steps that was cut short and goes on from its
checkpoint does the same arithmetic in the same order as one that was not: on the CPU the results
are equal to the last bit.
"""

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from service.core.catalogue.training import Budget, Course
from service.core.errors import MethodError
from workers.contract import Checkpoint, TrainingReport
from workers.torchkit.curves import curve_picture

CURVE = "curve.png"
_RANDOM = "random.own"
_TORCH_RANDOM = "random.torch"
_OPTIMIZER = "optimizer"
_NETWORK = "network"
_MEMORY = "memory"
_WARM_UP = 0.1
_MOST_BAD_LOSSES = 3
_SECONDS_PER_REPORT = 0.5

Numbers = dict[str, float]
Schedule = Callable[[float], float]
Turn = Callable[[], Mapping[str, Tensor]]


class DivergedError(MethodError):
    """Losses stopped being finite."""

    code = "training_diverged"


def warm_cosine(progress: float) -> float:
    """Share of the peak rate: linear over the first tenth, then a half cosine to 0.

    Source: Loshchilov & Hutter 2017, arXiv:1608.03983, without restarts.
    """
    if progress < _WARM_UP:
        return max(progress / _WARM_UP, 0.01)
    return 0.5 * (1 + math.cos(math.pi * (progress - _WARM_UP) / (1 - _WARM_UP)))


def cosine(progress: float) -> float:
    """Share of the peak rate: a half cosine from 1 to 0."""
    return 0.5 * (1 + math.cos(math.pi * progress))


def drops(*places: float, factor: float = 0.1) -> Schedule:
    """A share of the peak rate that falls by ``factor`` at each of these shares of the stage."""
    return lambda progress: factor ** sum(progress >= place for place in places)


@dataclass
class Player:
    """What learns together: an optimiser, and its rate over the stage.

    The ``share`` of an optimiser's group, where it has one, scales its rate.

    Attributes:
        peak: Learning rate where the schedule is 1.
        clip: Largest norm of the gradient; None leaves it alone.
    """

    optimizer: torch.optim.Optimizer
    peak: float
    schedule: Schedule = warm_cosine
    clip: float | None = None

    def parameters(self) -> Iterable[Tensor]:
        """All that the optimiser moves."""
        return (one for group in self.optimizer.param_groups for one in group["params"])


@dataclass(frozen=True)
class Stage:
    """A part of a training.

    Attributes:
        share: Of the whole budget, relative to the other stages.
        players: By name; made anew when the stage begins, also after an interruption. Nothing in
            here may draw from the training's generator.
        turn: Made with the players: one outer iteration, which gives named losses.
    """

    name: str
    share: float
    begin: Callable[[], tuple[Mapping[str, Player], Turn]]


@dataclass
class Training:
    """Everything that changes while a training goes on.

    Attributes:
        networks: What learns or has learned, by name, in every stage; also their buffers.
        generator: The source of randomness of the method's own draws, on the CPU.
        memory: Further tensors that must survive an interruption, such as a pool of images.
        stage: Place of the stage that is running.
        step: Turns taken in this stage.
        history: One entry per evaluation: ``step`` over all stages, and named numbers.
        seconds: Spent training, over all attempts.
        bad_losses: Losses that were not finite.
    """

    networks: Mapping[str, nn.Module]
    generator: torch.Generator
    memory: dict[str, Tensor] = field(default_factory=dict)
    stage: int = 0
    step: int = 0
    taken: int = 0
    progress: float = 0.0
    history: list[Numbers] = field(default_factory=list)
    seconds: float = 0.0
    bad_losses: int = 0
    players: Mapping[str, Player] = field(default_factory=dict)

    def learn(self, player: str, loss: Tensor) -> Tensor:
        """One step of a player down this loss; the loss without its graph.

        A loss that is not finite is skipped; the first one halves the player's rate.

        Raises:
            DivergedError: Three losses were not finite.
        """
        one = self.players[player]
        if not bool(torch.isfinite(loss)):
            self._forgive(one)
            return loss.detach()
        rate = one.peak * one.schedule(self.progress)
        for group in one.optimizer.param_groups:
            group["lr"] = rate * group.get("share", 1.0)
        one.optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss, inputs=[p for p in one.parameters() if p.requires_grad])
        if one.clip is not None:
            nn.utils.clip_grad_norm_(one.parameters(), one.clip)
        one.optimizer.step()
        return loss.detach()

    def _forgive(self, player: Player) -> None:
        self.bad_losses += 1
        if self.bad_losses == 1:
            player.peak /= 2
        if self.bad_losses >= _MOST_BAD_LOSSES:
            raise DivergedError(
                f"{self.bad_losses} losses were not finite",
                remedy="use a smaller rate, or smaller weights of the losses",
            )


def train(
    training: Training,
    course: Course,
    stages: Sequence[Stage],
    *,
    evaluate: Callable[[], Numbers],
    pictures: Callable[[], Mapping[str, bytes]],
    report: TrainingReport,
) -> None:
    """Take all turns that are left of all stages.

    Args:
        evaluate: Held-out quality by name; draws nothing from any generator.
        pictures: PNG files by name, refreshed at every evaluation; draws nothing either.
    """
    checkpoint = report.resumed()
    _place(training, checkpoint)
    watch = _Watch(training, course, [one.share for one in stages])
    while training.stage < len(stages):
        stage = stages[training.stage]
        training.players, turn = stage.begin()
        _restore(training, checkpoint)
        checkpoint = None
        while not watch.stage_over():
            losses = turn()
            training.step += 1
            training.taken += 1
            watch.look()
            if watch.report_due():
                report(training.taken, watch.total(), f"{stage.name}: {_first(losses)}")
            if watch.evaluation_due():
                numbers = _named(losses) | evaluate()
                _tell(training, numbers, pictures(), report)
            if watch.checkpoint_due():
                report.keep(checkpoint_of(training))
        training.stage, training.step = training.stage + 1, 0
    training.seconds = watch.spent()


def _first(losses: Mapping[str, Tensor]) -> str:
    name, value = next(iter(losses.items()))
    return f"{name} {float(value):.4f}"


class _Watch:
    """How much of the budget is spent, and what is due."""

    def __init__(self, training: Training, course: Course, shares: Sequence[float]) -> None:
        self._training, self._course = training, course
        whole = sum(shares)
        self._ends = [sum(shares[: place + 1]) / whole for place in range(len(shares))]
        self._before = training.seconds
        self._begun = self._kept = self._reported = time.monotonic()
        self._evaluated = len(training.history)
        self.look()

    def spent(self) -> float:
        """Seconds of training over all attempts."""
        return self._before + time.monotonic() - self._begun

    def _share_spent(self) -> float:
        budget: Budget = self._course.budget
        if budget.seconds is not None:
            return min(1.0, self.spent() / budget.seconds)
        return self._training.taken / (budget.steps or 1)

    def look(self) -> None:
        """Tell the training how far its stage has come, from 0 to 1."""
        place = min(self._training.stage, len(self._ends) - 1)
        start = self._ends[place - 1] if place > 0 else 0.0
        end = self._ends[place]
        self._training.progress = min(1.0, (self._share_spent() - start) / (end - start))
        self._training.seconds = self.spent()

    def stage_over(self) -> bool:
        """Whether the running stage has used its share; rounding gives no stage an empty turn."""
        self.look()
        return self._training.progress >= 1.0 - 1e-9

    def total(self) -> int:
        """Steps of the whole training; 0 where only time is known."""
        return self._course.budget.steps or 0

    def report_due(self) -> bool:
        """Whether it is time to say how far we are."""
        now = time.monotonic()
        due = now - self._reported >= _SECONDS_PER_REPORT or self._share_spent() >= 1
        self._reported = now if due else self._reported
        return due

    def evaluation_due(self) -> bool:
        """Whether another part of the budget, one of ``evaluations``, is over."""
        due = math.floor(self._share_spent() * self._course.evaluations + 1e-9) > self._evaluated
        if due:
            self._evaluated = math.floor(self._share_spent() * self._course.evaluations + 1e-9)
        return due

    def checkpoint_due(self) -> bool:
        """Whether the pause is over; the last turn is always kept."""
        now = time.monotonic()
        due = now - self._kept >= self._course.seconds_between_checkpoints
        due = due or self._share_spent() >= 1
        self._kept = now if due else self._kept
        return due


def _named(losses: Mapping[str, Tensor]) -> Numbers:
    return {f"{name}_loss": float(value) for name, value in losses.items()}


def _tell(
    training: Training, numbers: Numbers, pictures: Mapping[str, bytes], report: TrainingReport
) -> None:
    """The newest numbers, the curve of all so far, and the room's own pictures."""
    training.history.append({"step": float(training.taken), **numbers})
    curve = {CURVE: curve_picture(training.history)}
    report.measured(training.taken, numbers, {**curve, **pictures})


def checkpoint_of(training: Training) -> Checkpoint:
    """Networks, optimisers, memory, random states, place and history."""
    tensors = {_RANDOM: training.generator.get_state(), _TORCH_RANDOM: torch.get_rng_state()}
    tensors |= {f"{_MEMORY}.{name}": value for name, value in training.memory.items()}
    for name, network in training.networks.items():
        for key, value in network.state_dict().items():
            tensors[f"{_NETWORK}.{name}.{key}"] = value
    for name, player in training.players.items():
        for place, state in player.optimizer.state_dict()["state"].items():
            for key, value in state.items():
                if value is not None:
                    tensors[f"{_OPTIMIZER}.{name}.{place}.{key}"] = value
    facts: dict[str, Any] = {name: getattr(training, name) for name in _FACTS}
    facts["history"] = list(training.history)
    facts["peaks"] = {name: player.peak for name, player in training.players.items()}
    return Checkpoint(tensors, facts)


_FACTS = ("stage", "step", "taken", "seconds", "bad_losses")


def _place(training: Training, checkpoint: Checkpoint | None) -> None:
    """Networks, memory and place of the checkpoint; without one all stays as it is."""
    if checkpoint is None:
        return
    for name, network in training.networks.items():
        network.load_state_dict(_below(checkpoint.tensors, f"{_NETWORK}.{name}."))
    training.memory.update(_below(checkpoint.tensors, f"{_MEMORY}."))
    for name in _FACTS:
        setattr(training, name, checkpoint.facts[name])
    training.history = list(checkpoint.facts["history"])


def _restore(training: Training, checkpoint: Checkpoint | None) -> None:
    """Optimisers and random states of the checkpoint, once the stage's players are there."""
    if checkpoint is None:
        return
    for name, player in training.players.items():
        states: dict[int, dict[str, Tensor]] = {}
        for key, value in _below(checkpoint.tensors, f"{_OPTIMIZER}.{name}.").items():
            place, _, what = key.partition(".")
            states.setdefault(int(place), {})[what] = value
        groups = player.optimizer.state_dict()["param_groups"]
        player.optimizer.load_state_dict({"state": states, "param_groups": groups})
        player.peak = checkpoint.facts["peaks"].get(name, player.peak)
    training.generator.set_state(checkpoint.tensors[_RANDOM])
    torch.set_rng_state(checkpoint.tensors[_TORCH_RANDOM])


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Entries whose names begin so, without that beginning."""
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }
