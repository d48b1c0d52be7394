"""The links lead from latent ability to accuracy and back, as their slow twins do."""

import numpy as np
import pytest

from tests.methods.oracles import fused_ranking as oracle
from workers.methods.fused_ranking import links
from workers.methods.fused_ranking.links import NODES
from workers.methods.fused_ranking.posterior import AccuracyPrior
from workers.methods.fused_ranking.signals import column_of

RNG = np.random.default_rng(4)
BENT = np.where(NODES < 0.4, -0.5 + 0.05 * NODES, 1.0 + 0.3 * NODES)
PRIOR = AccuracyPrior(
    np.array([-1.0, 0.3, 2.2]), 0.4 * RNG.normal(size=(3, 2)), np.array([0.2, 0.3, 0.4])
)


def test_a_curve_agrees_with_the_line_through_its_two_nearest_nodes() -> None:
    z = np.array([-4.0, -2.5, -0.3, 0.45, 1.0, 2.49, 3.5])

    values = links.on_curve(BENT, z)

    expected = [oracle.curve_at(NODES.tolist(), BENT.tolist(), x) for x in z]
    np.testing.assert_allclose(values, expected, atol=1e-12)


def test_a_straight_curve_changes_no_prior() -> None:
    same = links.through_curve(PRIOR, NODES)

    np.testing.assert_allclose(same.mean, PRIOR.mean, atol=1e-9)
    np.testing.assert_allclose(same.factors, PRIOR.factors, atol=1e-9)
    np.testing.assert_allclose(same.free, PRIOR.free, atol=1e-9)


def test_moments_after_a_curve_are_the_integrals() -> None:
    smooth = np.tanh(NODES) + 0.2 * NODES
    deviation = np.sqrt((PRIOR.factors**2).sum(axis=1) + PRIOR.free)

    bent = links.through_curve(PRIOR, smooth)

    for row in range(3):
        mean, slope, variance = oracle.curve_moments(
            NODES.tolist(), smooth.tolist(), PRIOR.mean[row], deviation[row]
        )
        assert bent.mean[row] == pytest.approx(mean, abs=5e-3)
        np.testing.assert_allclose(bent.factors[row], slope * PRIOR.factors[row], atol=5e-3)
        total = (bent.factors[row] ** 2).sum() + bent.free[row]
        assert total == pytest.approx(variance, abs=5e-3)


def test_a_quantile_curve_leads_from_scores_back_to_accuracies() -> None:
    accuracies = 1 - np.exp(-2 - 0.4 * RNG.normal(size=(40, 1)) * np.ones(5))
    columns = [column_of(values) for values in accuracies.T]

    _, bent = links.linked_histories(accuracies, columns)

    back = columns[0].level + columns[0].slope * links.on_curve(bent.curve(), bent.z[:, 0])
    inner = np.abs(bent.z[:, 0]) < 1.2
    np.testing.assert_allclose(back[inner], accuracies[inner, 0], atol=0.012)


def test_a_curve_without_a_dataset_is_the_mean_of_the_others() -> None:
    accuracies = RNG.uniform(0.3, 0.9, size=(12, 3))
    columns = [column_of(values) for values in accuracies.T]

    _, bent = links.linked_histories(accuracies, columns)

    np.testing.assert_allclose(bent.curve(without=1), bent.curves[[0, 2]].mean(axis=0))
    assert (np.diff(bent.curves, axis=1) >= 0).all()


def test_without_history_the_links_are_straight() -> None:
    for history in links.linked_histories(np.zeros((4, 0)), []):
        np.testing.assert_allclose(history.curve(), NODES)
