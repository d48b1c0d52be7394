"""Weights and evidence computed through small products equal those of the whole joint Gaussian."""

import numpy as np
import pytest

from tests.methods.oracles import fused_ranking as oracle
from workers.methods.fused_ranking import learning
from workers.methods.fused_ranking.learning import Strengths
from workers.methods.fused_ranking.signals import Signals

RNG = np.random.default_rng(8)
STRENGTHS = Strengths(np.array([0.4, 0.2, 0.1]), 0.3, 0.05, 0.02)
EXPECTED, VARIANCE = np.array([0.0, 0.1]), np.array([0.09, 0.05])


def one_column() -> tuple[Signals, np.ndarray]:
    signals = Signals(
        ("history", "LogME"),
        RNG.normal(size=7),
        1 + RNG.uniform(size=7),
        RNG.normal(size=(7, 2)),
        RNG.normal(size=(7, 4)),
        np.array([0, 0, 1, 2]),
    )
    z = RNG.normal(size=7)
    z[2] = np.nan
    return signals, z


def dense(signals: Signals, z: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Residual, signals and covariance of a column once its level is projected out."""
    observed = ~np.isnan(z)
    basis = oracle.without_level(signals.looseness[observed])
    rows = basis * signals.looseness[observed] ** -0.5
    features, values = signals.features[observed], signals.values[observed]
    covariance = (
        features @ np.diag(STRENGTHS.families[signals.families]) @ features.T
        + STRENGTHS.own * values @ values.T
        + STRENGTHS.free * np.diag(signals.looseness[observed])
    )
    return rows @ (z - signals.ability)[observed], rows @ values, rows @ covariance @ rows.T


def test_evidence_differs_from_the_dense_one_by_a_constant_only() -> None:
    columns = [one_column() for _ in range(3)]
    folds = [learning.fold_of(*column) for column in columns]
    parts = list(zip(*(dense(*column) for column in columns), strict=True))

    terms = [learning.terms_of(fold, STRENGTHS) for fold in folds]
    evidence = learning.log_evidence(terms, EXPECTED, VARIANCE)

    constant = -0.5 * sum(fold.count for fold in folds) * np.log(2 * np.pi)
    whole = oracle.log_evidence(*parts, EXPECTED, VARIANCE)
    assert evidence + constant == pytest.approx(whole, rel=1e-9)


def test_weights_equal_those_of_generalized_least_squares() -> None:
    columns = [one_column() for _ in range(3)]
    residuals, signals, covariances = zip(*(dense(*column) for column in columns), strict=True)

    terms = [learning.terms_of(learning.fold_of(*column), STRENGTHS) for column in columns]
    weights = learning.weights_from(terms, EXPECTED, VARIANCE)

    precision, onto = np.diag(1 / VARIANCE), EXPECTED / VARIANCE
    for r, x, c in zip(residuals, signals, covariances, strict=True):
        precision = precision + x.T @ np.linalg.inv(c) @ x
        onto = onto + x.T @ np.linalg.inv(c) @ r
    np.testing.assert_allclose(weights.mean, np.linalg.solve(precision, onto), rtol=1e-9)
    np.testing.assert_allclose(weights.covariance, np.linalg.inv(precision), rtol=1e-9)


def test_a_useful_signal_gets_its_weight_and_noise_gets_little() -> None:
    folds = []
    for _ in range(12):
        useful, noise = RNG.normal(size=(2, 40))
        z = 0.6 * useful + 0.5 * RNG.normal(size=40)
        values = np.column_stack([np.zeros(40), useful, noise])
        names = ("history", "useful", "noise")
        blank = np.zeros((40, 0)), np.zeros(0, dtype=np.int64)
        folds.append(
            learning.fold_of(Signals(names, np.zeros(40), np.ones(40), values, *blank), z)
        )

    strengths = learning.learned_strengths(folds, np.zeros(3))
    terms = [learning.terms_of(fold, strengths) for fold in folds]
    weights = learning.weights_from(
        terms, np.zeros(3), learning.prior_variance(strengths.shared, 3)
    )

    assert weights.mean[1] == pytest.approx(0.6, abs=0.1)
    assert abs(weights.mean[2]) < 0.1
    assert strengths.free == pytest.approx(0.25, rel=0.3)


def test_without_columns_the_strengths_are_the_typical_ones() -> None:
    strengths = learning.learned_strengths([], np.zeros(2))

    assert strengths.free == pytest.approx(0.3)
    assert strengths.shared == pytest.approx(0.05)


def test_a_constant_column_teaches_nothing() -> None:
    assert not learning.usable(np.array([1.0, 1.0, 1.0, np.nan]))
    assert not learning.usable(np.array([1.0, 2.0, np.nan]))
    assert learning.usable(np.array([1.0, 2.0, 3.0]))
