"""Edges are the paper's cosines, ranked without favor, and agree with slow twins."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata, spearmanr
from torch.testing import assert_close

from service.core.catalog.measurement import Centering, RankVariant, Spectrum
from tests.methods.oracles import depara as oracle
from tests.workers.torchkit.graph_samples import random_features
from workers.torchkit.similarity.edges import (
    EdgeStatus,
    TooManyProbesError,
    doubled_midranks,
    doubled_ordinal_ranks,
    draw_edges,
    edge_matrix,
    flattened_products,
    present_edges,
    probe_products,
    rank_agreement,
    standardized_ranks,
    upper_triangle,
)

PROBES = 9
ALL = torch.ones(PROBES, dtype=torch.bool)
few_values = st.lists(st.integers(0, 4), min_size=2, max_size=30)


@pytest.mark.parametrize("centering", Centering)
def test_edges_rank_as_the_slow_twin_ranks_them(centering: Centering) -> None:
    features = random_features(PROBES)
    rows = features.tolist()
    slow = oracle.edges(oracle.centered(rows) if centering is Centering.CENTERED else rows)

    edges = draw_edges(features, ALL, centering=centering)

    assert edges.status is EdgeStatus.OK
    assert (edges.ranks / 2).tolist() == oracle.midranks(slow)


def test_flattened_products_are_the_fourth_root() -> None:
    gram, _sizes = probe_products(random_features(5, 12), ALL[:5], centering=Centering.RAW)

    flattened = flattened_products(gram)

    assert_close(flattened, torch.tensor(oracle.flattened(gram.tolist()), dtype=torch.float64))
    assert_close(torch.linalg.matrix_power(flattened, 4), gram)


def test_flattening_a_diagonal_is_the_fourth_root_of_its_entries_and_nought_stays_nought() -> None:
    flattened = flattened_products(torch.diag(torch.tensor([16.0, 81.0, 0.0]).double()))

    assert_close(flattened, torch.diag(torch.tensor([2.0, 3.0, 0.0]).double()))


def test_flattened_edges_rank_the_flattened_cosines() -> None:
    features = random_features(PROBES, 20)
    gram, _sizes = probe_products(features, ALL, centering=Centering.RAW)
    roots = torch.tensor(oracle.flattened(gram.tolist()))
    norms = roots.diagonal().sqrt()

    edges = draw_edges(features, ALL, centering=Centering.RAW, spectrum=Spectrum.FLATTENED)

    cosines = upper_triangle(roots / norms.unsqueeze(0) / norms.unsqueeze(1))
    assert (edges.ranks / 2).tolist() == rankdata(cosines).tolist()


def test_flattening_leaves_invalid_probes_absent_and_the_rest_as_they_would_be_alone() -> None:
    features, mask = random_features(PROBES, 20), ALL.clone()
    mask[[1, 4]] = False
    alone = draw_edges(features[mask], mask[mask], spectrum=Spectrum.FLATTENED)

    edges = draw_edges(features * mask.unsqueeze(1), mask, spectrum=Spectrum.FLATTENED)

    assert_close(edges.ranks[present_edges(mask)], alone.ranks)


def test_features_wider_than_a_block_are_summed_over_blocks() -> None:
    features = random_features(PROBES, 10_000)

    edges = draw_edges(features, ALL, centering=Centering.RAW)

    values = torch.nn.functional.normalize(features.double(), dim=1)
    assert (edges.ranks / 2).tolist() == rankdata(upper_triangle(values @ values.T)).tolist()


@settings(max_examples=40)
@given(few_values)
def test_middle_ranks_of_tied_values_are_the_twins(values: list[int]) -> None:
    assert (doubled_midranks(torch.tensor(values)) / 2).tolist() == oracle.midranks(values)


@settings(max_examples=40)
@given(few_values)
def test_ordinal_ranks_keep_the_order_of_ties(values: list[int]) -> None:
    ranks = doubled_ordinal_ranks(torch.tensor(values)) / 2

    assert ranks.tolist() == oracle.ordinal_ranks(values)


def test_inner_product_of_standardized_ranks_is_spearmans_correlation() -> None:
    left = torch.tensor([0.1, 0.5, 0.5, 0.9, 0.2])
    right = torch.tensor([0.3, 0.3, 0.4, 0.8, 0.1])

    product = standardized_ranks(doubled_midranks(left)) @ standardized_ranks(
        doubled_midranks(right)
    )

    assert float(product) == pytest.approx(spearmanr(left, right).statistic, abs=1e-6)


def test_the_printed_formula_equals_the_correlation_for_permutations_only() -> None:
    left, right = torch.tensor([2, 4, 6, 8, 10]), torch.tensor([4, 2, 10, 6, 8])
    tied = torch.tensor([3, 3, 6, 9, 9])

    permuted, with_ties = (rank_agreement(ranks.int(), right.int()) for ranks in (left, tied))

    assert float(permuted) == pytest.approx(
        oracle.pearson((left / 2).tolist(), (right / 2).tolist())
    )
    assert float(with_ties) == pytest.approx(
        oracle.printed_edge_similarity((tied / 2).tolist(), (right / 2).tolist())
    )
    assert float(with_ties) != pytest.approx(oracle.pearson(tied.tolist(), right.tolist()))


def test_ties_in_exact_arithmetic_stay_ties() -> None:
    features = torch.eye(4) * torch.tensor([[0.1], [0.3], [7.0], [1e-3]])

    edges = draw_edges(features, ALL[:4], centering=Centering.RAW)

    assert edges.status is EdgeStatus.CONSTANT_EDGES
    assert edges.ranks.tolist() == [7] * 6


def test_equal_features_are_constant_edges_and_no_probe_is_blamed() -> None:
    features = torch.full((PROBES, 5), 0.7)

    edges = draw_edges(features, ALL)

    assert edges.status is EdgeStatus.CONSTANT_EDGES
    assert edges.mask.all()
    assert_close(standardized_ranks(edges.ranks), torch.zeros(36))


def test_edges_of_invalid_probes_are_absent_and_the_rest_rank_among_themselves() -> None:
    features = random_features(PROBES)
    mask = ALL.clone()
    mask[[2, 5]] = False
    without = draw_edges(features[mask], mask[mask])

    edges = draw_edges(features * mask.unsqueeze(1), mask)

    present = present_edges(mask)
    assert (edges.ranks[~present] == 0).all()
    assert_close(edges.ranks[present], without.ranks)


def test_a_probe_at_the_mean_of_all_loses_its_place() -> None:
    features = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 2.0], [0.0, -2.0], [0.0, 0.0]])

    edges = draw_edges(features + 5, ALL[:5])

    assert edges.mask.tolist() == [True, True, True, True, False]


def test_an_edge_matrix_is_symmetric_and_gives_its_edges_back() -> None:
    values = torch.arange(1.0, 7.0)

    square = edge_matrix(values, 4)

    assert_close(square, square.T)
    assert_close(upper_triangle(square), values)


def test_ordinal_edges_are_a_permutation() -> None:
    features = torch.eye(5)

    edges = draw_edges(features, ALL[:5], centering=Centering.RAW, variant=RankVariant.ORDINAL)

    assert sorted(edges.ranks.tolist()) == list(range(2, 21, 2))


def test_too_many_probes_are_refused_before_memory_is_taken() -> None:
    with pytest.raises(TooManyProbesError, match="8192"):
        draw_edges(torch.zeros(8193, 1), torch.ones(8193, dtype=torch.bool))
