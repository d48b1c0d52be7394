"""The loop of every training job: steps, evaluations, checkpoints and resumption.

A training is a list of stages, each with its own optimizer groups (an optimizer with a schedule)
and its own training step (one outer iteration). With a budget of steps, an interrupted run that resumes from its
checkpoint does the same arithmetic in the same order as an uninterrupted one; on the CPU both
give bit-equal results.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial

from torch import Tensor

from service.core.catalog.training import Budget, TrainingConfig, fewest_steps
from service.core.counts import counted
from service.core.errors import MethodError
from workers.torchkit.drawing.curves import curve_picture
from workers.torchkit.protocols import TrainingReport
from workers.torchkit.training.checkpoints import checkpoint_of, load_progress, restore
from workers.torchkit.training.schedules import Schedule, cosine, drops, warm_cosine
from workers.torchkit.training.state import (
    DivergedError,
    Numbers,
    OptimizerGroup,
    Training,
    TrainingStage,
    TrainingStep,
)

__all__ = [
    "CURVE",
    "BudgetTooShortError",
    "DivergedError",
    "Numbers",
    "OptimizerGroup",
    "Schedule",
    "Training",
    "TrainingStage",
    "TrainingStep",
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
    """A stage would end before its first step and leave its networks untrained."""

    code = "budget_too_short"


Arithmetic = Callable[[], AbstractContextManager[object]]


def train(
    training: Training,
    config: TrainingConfig,
    stages: Sequence[TrainingStage],
    *,
    evaluate: Callable[[], Numbers],
    pictures: Callable[[], Mapping[str, bytes]],
    report: TrainingReport,
    arithmetic: Arithmetic = nullcontext,
) -> None:
    """Runs all remaining training steps of all stages.

    Args:
        arithmetic: Context in which a step computes, such as mixed precision.
        evaluate: Held-out quality by name; must not draw from any generator.
        pictures: PNG files by name, refreshed at every evaluation; must not draw either.

    Raises:
        BudgetTooShortError: The budget has too few steps for all stages.
        DivergedError: Losses stopped being finite.
    """
    checkpoint = report.resumed()
    load_progress(training, checkpoint)
    tracker = _BudgetTracker(training, config, [stage.share for stage in stages])
    while training.stage < len(stages):
        stage = stages[training.stage]
        training.optimizer_groups, training_step = stage.begin()
        restore(training, checkpoint)
        checkpoint = None
        while not (training.converged or tracker.stage_over()):
            with arithmetic():
                losses = training_step()
            tracker.count()
            if tracker.report_due():
                report(*tracker.budget_spent(), f"{stage.name}: {_first_loss(losses)}")
            if tracker.evaluation_due():
                _report_evaluation(
                    training, _loss_numbers(losses) | evaluate(), pictures(), report
                )
            _keep_checkpoint(training, tracker, report)
        training.stage, training.step, training.converged = training.stage + 1, 0, False
    training.seconds = tracker.spent()


def _require_steps(config: TrainingConfig, shares: Sequence[float]) -> None:
    """Raises BudgetTooShortError unless every stage gets at least one step."""
    fewest = fewest_steps(shares)
    if config.budget.steps is not None and config.budget.steps < fewest:
        raise BudgetTooShortError(
            f"{counted(config.budget.steps, 'step')} cannot fill the {len(shares)} stages of this training",
            remedy=f"set a budget of at least {fewest} steps, or one in seconds",
        )


def _first_loss(losses: Mapping[str, Tensor]) -> str:
    name, value = next(iter(losses.items()))
    return f"{name} {float(value):.4f}"


class _BudgetTracker:
    """Tracks the spent budget and decides what is due."""

    def __init__(
        self, training: Training, config: TrainingConfig, shares: Sequence[float]
    ) -> None:
        _require_steps(config, shares)
        self._training, self._config = training, config
        total = sum(shares)
        self._ends = [sum(shares[: number + 1]) / total for number in range(len(shares))]
        self._before = training.seconds
        self._begun = self._saved = self._reported = time.monotonic()
        self._evaluated = len(training.history)
        self.update()

    def spent(self) -> float:
        """Seconds of training over all attempts."""
        return self._before + time.monotonic() - self._begun

    def _share_spent(self) -> float:
        budget: Budget = self._config.budget
        if budget.seconds is not None:
            return min(1.0, self.spent() / budget.seconds)
        return self._training.taken / (budget.steps or 1)

    def count(self) -> None:
        """Records one more training step."""
        self._training.step += 1
        self._training.taken += 1
        self.update()

    def update(self) -> None:
        """Updates the training's progress through the current stage, from 0 to 1."""
        number = min(self._training.stage, len(self._ends) - 1)
        start = self._ends[number - 1] if number > 0 else 0.0
        end = self._ends[number]
        self._training.progress = min(1.0, (self._share_spent() - start) / (end - start))
        self._training.seconds = self.spent()

    def stage_over(self) -> bool:
        """Whether the current stage has used its share; rounding never adds an extra step."""
        self.update()
        return self._training.progress >= 1.0 - _ROUNDING

    def budget_spent(self) -> tuple[int, int]:
        """The spent part of the budget and the whole budget, in steps or else in seconds."""
        total = self._config.budget.steps or math.ceil(self._config.budget.seconds or 0)
        return round(self._share_spent() * total), total

    def _is_last(self) -> bool:
        """Whether the last step is done."""
        return self._share_spent() >= 1 or self._training.converged

    def report_due(self) -> bool:
        """Whether a progress report is due."""
        now = time.monotonic()
        due = now - self._reported >= _SECONDS_PER_REPORT or self._is_last()
        self._reported = now if due else self._reported
        return due

    def evaluation_due(self) -> bool:
        """Whether another of ``num_evaluations`` equal parts of the budget is spent."""
        parts = math.floor(self._share_spent() * self._config.num_evaluations + _ROUNDING)
        due = parts > self._evaluated or self._training.converged
        self._evaluated = max(parts, self._evaluated)
        return due

    def checkpoint_due(self) -> bool:
        """Whether the interval between checkpoints is over; always true after the last step."""
        now = time.monotonic()
        due = now - self._saved >= self._config.checkpoint_interval_seconds
        due = due or self._is_last()
        self._saved = now if due else self._saved
        return due


def _keep_checkpoint(training: Training, tracker: _BudgetTracker, report: TrainingReport) -> None:
    """Keeps a checkpoint if one is due or if this attempt has to end."""
    if tracker.checkpoint_due():
        report.keep(checkpoint_of(training))
    report.leave_if_asked(partial(checkpoint_of, training))


def _loss_numbers(losses: Mapping[str, Tensor]) -> Numbers:
    return {f"{name}_loss": float(value) for name, value in losses.items()}


def _report_evaluation(
    training: Training, numbers: Numbers, pictures: Mapping[str, bytes], report: TrainingReport
) -> None:
    """Reports the latest finite numbers, the curve so far and the method's own pictures."""
    finite = {name: value for name, value in numbers.items() if math.isfinite(value)}
    training.history.append({"step": float(training.taken), **finite})
    curve = {CURVE: curve_picture(training.history)}
    report.measured(training.taken, finite, {**curve, **pictures})
