"""Predictions of all accuracies on one dataset, from its prior and the runs measured on it."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64
from numpy import ndarray

from workers.methods.fused_ranking import failures, posterior
from workers.methods.fused_ranking.failures import Chances, Failures
from workers.methods.fused_ranking.posterior import AccuracyPrior, Moments, Runs, Scale


@dataclass(frozen=True)
class AccuracyPrediction:
    """Mean and deviation of every accuracy, and those of a network if its run succeeds.

    Without failed runs in the history every run succeeds. A measured model's mean is its accuracy.
    """

    mean: Float64[ndarray, " model"]
    deviation: Float64[ndarray, " model"]
    success: Float64[ndarray, " model"]
    learned: Moments

    def of(self, models: ndarray) -> "AccuracyPrediction":
        """The prediction of some models."""
        return AccuracyPrediction(
            self.mean[models],
            self.deviation[models],
            self.success[models],
            Moments(self.learned.mean[models], self.learned.deviation[models]),
        )


@dataclass(frozen=True)
class Draws:
    """Joint draws: accuracies of networks that learn, around their center, and which fail."""

    learned: Float64[ndarray, "draw model"]
    center: Float64[ndarray, " model"]
    has_failed: Bool[ndarray, "draw model"]
    floor: Float64[ndarray, " model"]

    def tempered(self, temper: float) -> Float64[ndarray, "draw model"]:
        """Draws whose deviations are ``temper`` times as large, except of failed runs."""
        scaled = self.center + temper * (self.learned - self.center)
        return np.where(self.has_failed, self.floor, scaled)

    def of(self, models: ndarray) -> "Draws":
        """The draws of some models."""
        return Draws(
            self.learned[:, models],
            self.center[models],
            self.has_failed[:, models],
            self.floor[models],
        )


@dataclass(frozen=True)
class _Outcome:
    """Runs that succeeded, softly limited; the others; and what they say about failures."""

    succeeded: Bool[ndarray, " model"]
    failed: Bool[ndarray, " model"]
    runs: Runs
    chances: Chances | None


@dataclass(frozen=True)
class Predictor:
    """The prior of a dataset's accuracies, link by link; ``failures`` if its runs may fail."""

    priors: tuple[AccuracyPrior, ...]
    scale: Scale
    failures: Failures | None

    def prediction(self, measured: Float64[ndarray, " model"]) -> AccuracyPrediction:
        """Moments given these runs."""
        outcome = self._outcome(measured)
        learned = self._learned(measured, outcome)
        if outcome.chances is None:
            certain = np.ones(len(measured))
            return AccuracyPrediction(learned.mean, learned.deviation, certain, learned)
        success = np.where(outcome.succeeded, 1.0, outcome.chances.mean)
        success = np.where(outcome.failed, 0.0, success)
        floor = self._floor(measured, outcome, learned)
        mean = success * learned.mean + (1 - success) * floor
        squares = success * (learned.deviation**2 + (learned.mean - mean) ** 2)
        deviation = np.sqrt(squares + (1 - success) * (floor - mean) ** 2)
        deviation = np.maximum(deviation, self.scale.noise)
        return AccuracyPrediction(mean, deviation, success, learned)

    def draws(self, measured: Float64[ndarray, " model"], *, count: int, seed: int) -> Draws:
        """Joint draws given these runs; equal questions use equal numbers."""
        outcome = self._outcome(measured)
        learned = self._learned(measured, outcome)
        drawn = posterior.draws_of(self.priors, self.scale, outcome.runs, count=count, seed=seed)
        # The posterior saw softly limited runs: shift the measured models back to their true values.
        drawn[:, outcome.succeeded] += measured[outcome.succeeded] - outcome.runs.values
        has_failed = np.zeros(drawn.shape, dtype=np.bool_)
        floor = learned.mean
        if outcome.chances is not None:
            has_failed = outcome.chances.drawn(count, np.random.default_rng([seed, 1]))
            has_failed[:, outcome.succeeded] = False
            has_failed[:, outcome.failed] = True
            floor = self._floor(measured, outcome, learned)
        return Draws(drawn, learned.mean, has_failed, floor)

    def _outcome(self, measured: Float64[ndarray, " model"]) -> _Outcome:
        is_measured = ~np.isnan(measured)
        failed, chances = np.zeros(len(measured), dtype=np.bool_), None
        if self.failures is not None:
            failed = failures.failed_runs(
                self.failures,
                measured,
                level=self.scale.level,
                level_deviation=self.scale.level_deviation,
                slope=self.scale.slope,
            )
            chances = failures.chances(self.failures, is_measured, failed)
        succeeded = is_measured & ~failed
        runs = posterior.limited_runs(Runs(succeeded, measured[succeeded]), self.scale)
        return _Outcome(succeeded, failed, runs, chances)

    def _learned(self, measured: Float64[ndarray, " model"], outcome: _Outcome) -> Moments:
        moments = posterior.moments_of(self.priors, self.scale, outcome.runs)
        mean = np.where(outcome.succeeded, measured, moments.mean)
        return Moments(mean, moments.deviation)

    def _floor(
        self, measured: Float64[ndarray, " model"], outcome: _Outcome, learned: Moments
    ) -> Float64[ndarray, " model"]:
        """Accuracy of each model if it fails: as measured, else like the other failed runs."""
        if outcome.failed.any():
            floor = float(measured[outcome.failed].mean())
        else:
            depth = self.failures.depth if self.failures is not None else 0.0
            floor = float(np.median(learned.mean)) - depth
        return np.where(outcome.failed, measured, floor)
