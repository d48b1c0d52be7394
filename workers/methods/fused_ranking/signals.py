"""Everything that may predict one column of accuracies, made from the other columns only."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray

from workers.methods.fused_ranking import maths
from workers.methods.fused_ranking.names import name_vectors, own_task

LANDMARKS, RANK = 96, 24
HISTORY, NAME = "history", "name"
OWN_TASK_UNIT = 0.3
FAMILIES = 3
MUCH_LARGER = 20.0


@dataclass(frozen=True)
class Column:
    """One column of accuracies on a robust scale: accuracy ≈ level + slope · z."""

    z: Float64[ndarray, " model"]
    level: float
    slope: float


@dataclass(frozen=True)
class Signals:
    """What is known about one column without looking at it.

    Attributes:
        ability: Shrunken static ability: the prior mean.
        looseness: One plus the uncertainty of the ability: factor of the free variance.
        values: One column for each of ``names``; 0 means nothing is known.
        features: Directions in which residuals agree.
        families: Which family each feature is of: 0 history, 1 profile, 2 names.
    """

    names: tuple[str, ...]
    ability: Float64[ndarray, " model"]
    looseness: Float64[ndarray, " model"]
    values: Float64[ndarray, "model signal"]
    features: Float64[ndarray, "model feature"]
    families: Int64[ndarray, " feature"]


@dataclass(frozen=True)
class History:
    """Columns on the robust scale, and the scale on which static ability is averaged."""

    z: Float64[ndarray, "model dataset"]
    rated: Float64[ndarray, "model dataset"]

    def without(self, dataset: int) -> "History":
        """The history but for one dataset."""
        z, rated = (np.delete(one, dataset, axis=1) for one in (self.z, self.rated))
        return History(z, rated)


def column_of(values: Float64[ndarray, " model"]) -> Column:
    """Median and quartiles to 0 and 1, failures limited softly, then mean 0 and deviation 1."""
    middle, spread = maths.middle_and_spread(values)
    if spread <= 1e-9 * (1 + abs(middle)):
        return Column(np.where(np.isnan(values), np.nan, 0.0), middle, 0.0)
    limited = maths.soft_limited((values - middle) / spread)
    mean, deviation = float(np.nanmean(limited)), float(np.nanstd(limited))
    return Column((limited - mean) / deviation, middle + spread * mean, spread * deviation)


def history_of(accuracies: Float64[ndarray, "model dataset"]) -> History:
    """Every column on its robust scale; ability too if that is clearly better."""
    columns = [column_of(column).z for column in accuracies.T]
    robust = np.stack(columns, axis=1) if columns else np.zeros(accuracies.shape)
    plain = maths.standardized(accuracies)
    better = maths.clearly_better(
        maths.static_merits(robust, accuracies), maths.static_merits(plain, accuracies)
    )
    return History(robust, robust if better else plain)


def signals_of(
    history: History,
    models: tuple[str, ...],
    target: str,
    *,
    traits: Mapping[str, Float64[ndarray, " model"]],
    scores: Mapping[str, Float64[ndarray, " model"]],
) -> Signals:
    """Signals for a target from columns that do not include it."""
    ability, uncertainty = maths.ability(history.rated)
    z = history.z
    told = [
        (HISTORY, ability),
        *((name, trait_signal(one)) for name, one in traits.items()),
        *((name, score_signal(one)) for name, one in scores.items()),
        (NAME, own_task(models, target) / OWN_TASK_UNIT),
    ]
    families = (_agreeing(z), _profiles(z), _kin(models))
    sizes = [family.shape[1] for family in families]
    return Signals(
        tuple(name for name, _ in told),
        ability,
        1.0 + uncertainty,
        _centered(np.stack([one for _, one in told], axis=1)),
        _centered(np.concatenate(families, axis=1)),
        np.repeat(np.arange(FAMILIES), sizes),
    )


def score_signal(values: Float64[ndarray, " model"]) -> Float64[ndarray, " model"]:
    """A score on the robust scale of an accuracy; 0 where it is not known."""
    return np.asarray(np.nan_to_num(column_of(values).z))


def trait_signal(values: Float64[ndarray, " model"]) -> Float64[ndarray, " model"]:
    """A trait as a score is; its logarithm if it spans more than a factor of twenty."""
    known = values[~np.isnan(values)]
    if len(known) and known.min() > 0 and known.max() > MUCH_LARGER * known.min():
        return score_signal(np.log(values))
    return score_signal(values)


def _agreeing(z: Float64[ndarray, "model dataset"]) -> Float64[ndarray, "model dataset"]:
    """Residuals on every dataset: their products are the empirical covariance between models."""
    residuals = np.nan_to_num(z - maths.static_list(z)[:, None])
    return np.asarray(residuals / np.sqrt(max(z.shape[1], 1)))


def _profiles(z: Float64[ndarray, "model dataset"]) -> Float64[ndarray, "model feature"]:
    """Features of the likeness of whole rows; no columns without history."""
    rows = np.nan_to_num(z)
    marks = _landmarks(len(rows))
    gaps = np.linalg.norm(rows[marks][:, None] - rows[marks][None], axis=2)
    apart = gaps[gaps > 0]
    if not len(apart):
        return np.zeros((len(rows), 0))
    width = float(np.median(apart))
    between = maths.likeness(rows, rows[marks], width=width)
    return maths.low_rank(between, between[marks], rank=RANK)


@lru_cache(maxsize=4)
def _kin(models: tuple[str, ...]) -> Float64[ndarray, "model feature"]:
    """Features of the likeness of names."""
    vectors = name_vectors(models)
    marks = _landmarks(len(models))
    between = vectors @ vectors[marks].T
    return maths.low_rank(between, between[marks], rank=RANK)


def _landmarks(count: int) -> Int64[ndarray, " landmark"]:
    return np.unique(np.linspace(0, count - 1, min(count, LANDMARKS)).astype(np.int64))


def _centered(values: Float64[ndarray, "model column"]) -> Float64[ndarray, "model column"]:
    return np.asarray(values - values.mean(axis=0))
