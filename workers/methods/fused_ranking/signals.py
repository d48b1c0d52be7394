"""Predictors of one column of accuracies, computed from the other columns only."""

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
class AccuracyColumn:
    """One column of accuracies on a robust scale: accuracy ≈ level + slope · z."""

    z: Float64[ndarray, " model"]
    level: float
    slope: float


@dataclass(frozen=True)
class Signals:
    """Predictors of one column that do not use the column itself.

    Attributes:
        ability: Shrunken static ability: the prior mean.
        looseness: One plus the uncertainty of the ability; scales the free variance.
        values: One column per name; 0 means unknown.
        features: Directions in which residuals correlate.
        families: Family of each feature: 0 history, 1 profile, 2 names.
    """

    names: tuple[str, ...]
    ability: Float64[ndarray, " model"]
    looseness: Float64[ndarray, " model"]
    values: Float64[ndarray, "model signal"]
    features: Float64[ndarray, "model feature"]
    families: Int64[ndarray, " feature"]


def column_of(values: Float64[ndarray, " model"]) -> AccuracyColumn:
    """The column minus its median, over its spread, softly limited, then to deviation 1."""
    median, spread = maths.middle_and_spread(values)
    if spread <= 1e-9 * (1 + abs(median)):
        return AccuracyColumn(np.where(np.isnan(values), np.nan, 0.0), median, 0.0)
    limited = maths.soft_limited((values - median) / spread)
    deviation = float(np.nanstd(limited))
    return AccuracyColumn(limited / deviation, median, spread * deviation)


def signals_of(
    z: Float64[ndarray, "model dataset"],
    models: tuple[str, ...],
    target: str,
    *,
    traits: Mapping[str, Float64[ndarray, " model"]],
    scores: Mapping[str, Float64[ndarray, " model"]],
) -> Signals:
    """Signals for a target from columns that do not include it."""
    ability, uncertainty = maths.ability(z)
    named_signals = [
        (HISTORY, ability),
        *((name, trait_signal(values)) for name, values in traits.items()),
        *((name, score_signal(values)) for name, values in scores.items()),
        (NAME, own_task(models, target) / OWN_TASK_UNIT),
    ]
    families = (_agreeing(z), _profiles(z), _kin(models))
    sizes = [family.shape[1] for family in families]
    return Signals(
        tuple(name for name, _ in named_signals),
        ability,
        1.0 + uncertainty,
        _centered(np.stack([values for _, values in named_signals], axis=1)),
        _centered(np.concatenate(families, axis=1)),
        np.repeat(np.arange(FAMILIES), sizes),
    )


def score_signal(values: Float64[ndarray, " model"]) -> Float64[ndarray, " model"]:
    """A score on the robust scale of accuracies; 0 where unknown."""
    return np.asarray(np.nan_to_num(column_of(values).z))


def trait_signal(values: Float64[ndarray, " model"]) -> Float64[ndarray, " model"]:
    """A trait on the robust scale; its logarithm if it spans more than a factor of twenty."""
    known_values = values[~np.isnan(values)]
    if (
        len(known_values)
        and known_values.min() > 0
        and known_values.max() > MUCH_LARGER * known_values.min()
    ):
        return score_signal(np.log(values))
    return score_signal(values)


def _agreeing(z: Float64[ndarray, "model dataset"]) -> Float64[ndarray, "model dataset"]:
    """Residuals on every dataset; their products are the empirical covariance between models."""
    residuals = np.nan_to_num(z - maths.static_list(z)[:, None])
    return np.asarray(residuals / np.sqrt(max(z.shape[1], 1)))


def _profiles(z: Float64[ndarray, "model dataset"]) -> Float64[ndarray, "model feature"]:
    """Features F with F Fᵀ ≈ the squared_exponential of whole rows; no columns without history."""
    rows = np.nan_to_num(z)
    landmarks = _landmarks(len(rows))
    gaps = np.linalg.norm(rows[landmarks][:, None] - rows[landmarks][None], axis=2)
    positive_gaps = gaps[gaps > 0]
    if not len(positive_gaps):
        return np.zeros((len(rows), 0))
    width = float(np.median(positive_gaps))
    between = maths.squared_exponential(rows, rows[landmarks], width=width)
    return maths.low_rank(between, between[landmarks], rank=RANK)


@lru_cache(maxsize=4)
def _kin(models: tuple[str, ...]) -> Float64[ndarray, "model feature"]:
    """Features F with F Fᵀ ≈ the squared_exponential of names."""
    vectors = name_vectors(models)
    landmarks = _landmarks(len(models))
    between = vectors @ vectors[landmarks].T
    return maths.low_rank(between, between[landmarks], rank=RANK)


def _landmarks(count: int) -> Int64[ndarray, " landmark"]:
    return np.unique(np.linspace(0, count - 1, min(count, LANDMARKS)).astype(np.int64))


def _centered(values: Float64[ndarray, "model column"]) -> Float64[ndarray, "model column"]:
    return np.asarray(values - values.mean(axis=0))
