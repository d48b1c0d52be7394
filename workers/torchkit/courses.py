"""The loop of every training job: turns, evaluations, checkpoints, and going on from one.

A training is a list of stages, each with its own players (what learns, and how fast) and its own
turn (one outer iteration). A run with a budget of steps that was cut short and goes on from its
checkpoint does the same arithmetic in the same order as one that was not: on the CPU the results
are equal to the last bit.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial

from torch import Tensor

from service.core.catalogue.training import Budget, Course
from service.core.errors import MethodError
from workers.contract import TrainingReport
from workers.torchkit.curves import curve_picture
from workers.torchkit.players import DivergedError, Numbers, Player, Stage, Training, Turn
from workers.torchkit.resumption import checkpoint_of, place, restore
from workers.torchkit.schedules import Schedule, cosine, drops, warm_cosine

__all__ = [
    "CURVE",
    "BudgetTooShortError",
    "DivergedError",
    "Numbers",
    "Player",
    "Schedule",
    "Stage",
    "Training",
    "Turn",
    "checkpoint_of",
    "cosine",
    "drops",
    "train",
    "warm_cosine",
]

CURVE = "curve.png"
_SECONDS_PER_REPORT = 0.5
_ROUNDING = 1e-9


class BudgetTooShortError(MethodError):
    """A part of the training would end before its first step, and leave networks as drawn."""

    code = "budget_too_short"


Arithmetic = Callable[[], AbstractContextManager[object]]


def train(
    training: Training,
    course: Course,
    stages: Sequence[Stage],
    *,
    evaluate: Callable[[], Numbers],
    pictures: Callable[[], Mapping[str, bytes]],
    report: TrainingReport,
    arithmetic: Arithmetic = nullcontext,
) -> None:
    """Take all turns that are left of all stages.

    Args:
        arithmetic: What a turn computes inside of, such as mixed precision.
        evaluate: Held-out quality by name; draws nothing from any generator.
        pictures: PNG files by name, refreshed at every evaluation; draws nothing either.

    Raises:
        BudgetTooShortError: Too few steps for all stages.
        DivergedError: Losses stopped being finite.
    """
    checkpoint = report.resumed()
    place(training, checkpoint)
    watch = _Watch(training, course, [one.share for one in stages])
    while training.stage < len(stages):
        stage = stages[training.stage]
        training.players, turn = stage.begin()
        restore(training, checkpoint)
        checkpoint = None
        while not watch.stage_over():
            with arithmetic():
                losses = turn()
            watch.count()
            if watch.report_due():
                report(*watch.budget_spent(), f"{stage.name}: {_first(losses)}")
            if watch.evaluation_due():
                _tell(training, _named(losses) | evaluate(), pictures(), report)
            _secure(training, watch, report)
        training.stage, training.step = training.stage + 1, 0
    training.seconds = watch.spent()


def _require_steps(course: Course, shares: Sequence[float]) -> None:
    """At least one step of every stage."""
    fewest = math.ceil(sum(shares) / min(shares) - _ROUNDING)
    if course.budget.steps is not None and course.budget.steps < fewest:
        raise BudgetTooShortError(
            f"{course.budget.steps} steps are too few for the {len(shares)} parts of this training",
            remedy=f"give a budget of at least {fewest} steps, or one of seconds",
        )


def _first(losses: Mapping[str, Tensor]) -> str:
    name, value = next(iter(losses.items()))
    return f"{name} {float(value):.4f}"


class _Watch:
    """How much of the budget is spent, and what is due."""

    def __init__(self, training: Training, course: Course, shares: Sequence[float]) -> None:
        _require_steps(course, shares)
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

    def count(self) -> None:
        """Another turn is taken."""
        self._training.step += 1
        self._training.taken += 1
        self.look()

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
        return self._training.progress >= 1.0 - _ROUNDING

    def budget_spent(self) -> tuple[int, int]:
        """What is spent of the whole budget, and that: steps or, where they are given, seconds."""
        total = self._course.budget.steps or math.ceil(self._course.budget.seconds or 0)
        return round(self._share_spent() * total), total

    def report_due(self) -> bool:
        """Whether it is time to say how far we are."""
        now = time.monotonic()
        due = now - self._reported >= _SECONDS_PER_REPORT or self._share_spent() >= 1
        self._reported = now if due else self._reported
        return due

    def evaluation_due(self) -> bool:
        """Whether another part of the budget, one of ``evaluations``, is over."""
        due = (
            math.floor(self._share_spent() * self._course.evaluations + _ROUNDING)
            > self._evaluated
        )
        if due:
            self._evaluated = math.floor(
                self._share_spent() * self._course.evaluations + _ROUNDING
            )
        return due

    def checkpoint_due(self) -> bool:
        """Whether the pause is over; the last turn is always kept."""
        now = time.monotonic()
        due = now - self._kept >= self._course.seconds_between_checkpoints
        due = due or self._share_spent() >= 1
        self._kept = now if due else self._kept
        return due


def _secure(training: Training, watch: _Watch, report: TrainingReport) -> None:
    """Keep a checkpoint where one is due, or where this attempt is to end."""
    if watch.checkpoint_due():
        report.keep(checkpoint_of(training))
    report.leave_if_asked(partial(checkpoint_of, training))


def _named(losses: Mapping[str, Tensor]) -> Numbers:
    return {f"{name}_loss": float(value) for name, value in losses.items()}


def _tell(
    training: Training, numbers: Numbers, pictures: Mapping[str, bytes], report: TrainingReport
) -> None:
    """The newest finite numbers, the curve of all so far, and the room's own pictures."""
    finite = {name: value for name, value in numbers.items() if math.isfinite(value)}
    training.history.append({"step": float(training.taken), **finite})
    curve = {CURVE: curve_picture(training.history)}
    report.measured(training.taken, finite, {**curve, **pictures})
