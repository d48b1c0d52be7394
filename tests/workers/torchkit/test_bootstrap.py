"""Intervals for any edge weight agree with redrawing the probes, and cover what they promise."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from tests.methods.oracles import ranking as oracle
from tests.workers.torchkit.graph_samples import random_features
from workers.torchkit.similarity.bootstrap import (
    Spread,
    edge_means,
    edge_side,
    interval,
    resampled_edges,
    resampled_nodes,
    resampled_weights,
    spread_of,
    standard_deviation,
)
from workers.torchkit.similarity.edges import draw_edges
from workers.torchkit.similarity.similarity import BadEdgeWeightError, edge_similarity


def all_valid(probes: int) -> Tensor:
    return torch.ones(probes, dtype=torch.bool)


def weights_for(probes: int, *, replicates: int = 200, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return resampled_weights(all_valid(probes), replicates=replicates, generator=generator)


def measured(
    left: Tensor, right: Tensor, cosines: Tensor, *, replicates: int = 200
) -> tuple[float, float, Spread]:
    """s_V, s_E and their spread for two networks' features and the cosines of their maps."""
    probes = len(cosines)
    weights = weights_for(probes, replicates=replicates)
    ranks = [draw_edges(features, all_valid(probes)).ranks for features in (left, right)]
    sides = [edge_side(rank, weights) for rank in ranks]
    spread = spread_of(
        resampled_nodes(cosines, weights), resampled_edges(sides[0], sides[1], weights)
    )
    return float(cosines.double().mean()), float(edge_similarity(ranks[0], ranks[1])), spread


def edge_values(features: Tensor) -> np.ndarray:
    rows = torch.nn.functional.normalize((features - features.mean(dim=0)).double(), dim=1)
    return (rows @ rows.T).numpy()


def test_every_replicate_draws_as_many_probes_as_are_valid() -> None:
    mask = torch.tensor([True, False, True, True])

    weights = resampled_weights(mask, replicates=50, generator=torch.Generator().manual_seed(0))

    assert (weights.sum(dim=1) == 3).all()
    assert (weights[:, 1] == 0).all()


def test_weighted_edge_means_are_sums_over_pairs() -> None:
    weights = torch.tensor([[2.0, 0.0, 1.0], [1.0, 1.0, 1.0]])
    values = torch.tensor([[0.0, 5.0, 7.0], [5.0, 0.0, 9.0], [7.0, 9.0, 0.0]])

    means = edge_means(values, weights)

    assert means.tolist() == [7.0, 7.0]


def test_drawing_every_probe_once_gives_the_similarities_themselves() -> None:
    probes = 15
    once = torch.ones(2, probes)
    ranks = [draw_edges(random_features(probes, seed=s), all_valid(probes)).ranks for s in (1, 2)]

    edges = resampled_edges(edge_side(ranks[0], once), edge_side(ranks[1], once), once)

    expected = edge_similarity(ranks[0], ranks[1])
    assert_close(edges, expected.expand(2), atol=1e-6, rtol=0)


def test_constant_edges_stay_at_zero() -> None:
    weights = weights_for(6, replicates=5)
    flat = edge_side(draw_edges(torch.ones(6, 2), all_valid(6)).ranks, weights)
    other = edge_side(draw_edges(random_features(6), all_valid(6)).ranks, weights)

    assert_close(resampled_edges(flat, other, weights), torch.zeros(5, dtype=torch.float64))


@pytest.mark.parametrize("edge_weight", [0.0, 0.25, 1.0, 10.0])
def test_intervals_are_those_of_redrawn_and_reranked_probes(edge_weight: float) -> None:
    probes = 120
    left, right = (random_features(probes, seed=s, shared=0.6) for s in (1, 2))
    cosines = torch.tanh(random_features(probes, 1, seed=3).squeeze(1) + 0.3)
    scores = oracle.redrawn_scores(
        cosines.double().numpy(),
        (edge_values(left), edge_values(right)),
        edge_weight=edge_weight,
        replicates=400,
        seed=0,
    )
    slow_low, slow_high = oracle.percentile_interval(scores)

    node, edge, spread = measured(left, right, cosines, replicates=400)
    low, high = interval(node + edge_weight * edge, spread, edge_weight=edge_weight)

    width = slow_high - slow_low
    assert high - low == pytest.approx(width, rel=0.15)
    assert (low + high) / 2 == pytest.approx((slow_low + slow_high) / 2, abs=0.15 * width)


@pytest.mark.parametrize(("probes", "edge_weight"), [(60, 1.0), (150, 0.25)])
def test_nine_of_ten_intervals_hold_the_true_score(probes: int, edge_weight: float) -> None:
    crowd, trials = 1500, 100
    left, right = (random_features(crowd, seed=s, shared=0.6) for s in (1, 2))
    cosines = torch.tanh(random_features(crowd, 1, seed=3).squeeze(1) + 0.3)
    ranks = [draw_edges(features, all_valid(crowd)).ranks for features in (left, right)]
    true = float(cosines.mean()) + edge_weight * float(edge_similarity(ranks[0], ranks[1]))
    generator = torch.Generator().manual_seed(7)
    held = 0

    for _ in range(trials):
        drawn = torch.randperm(crowd, generator=generator)[:probes]
        node, edge, spread = measured(left[drawn], right[drawn], cosines[drawn], replicates=100)
        low, high = interval(node + edge_weight * edge, spread, edge_weight=edge_weight)
        held += low <= true <= high

    # Binomial with 0.9: three standard deviations of 100 trials are 9.
    assert 81 <= held <= 99


def test_the_deviation_of_the_sum_uses_both_variances_and_the_covariance() -> None:
    spread = Spread(0.04, -0.01, 0.09)

    assert standard_deviation(spread, edge_weight=2.0) == pytest.approx(math.sqrt(0.36))
    assert standard_deviation(spread, edge_weight=0.0) == pytest.approx(0.2)


def test_impossible_edge_weights_are_refused() -> None:
    with pytest.raises(BadEdgeWeightError):
        interval(0.5, Spread(0.1, 0.0, 0.1), edge_weight=-1.0)
