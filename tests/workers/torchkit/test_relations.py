"""RSA, DDS and linear CKA are those of their papers, among all probes and among common ones."""

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from service.core.catalog.measurement import Nodes
from service.core.catalog.ranking import RankingParams
from tests.methods.oracles import relations as oracle
from tests.workers.torchkit.graph_samples import KEY, random_features
from workers.methods import ranking
from workers.methods.ranking import RankingData
from workers.torchkit.protocols import silent
from workers.torchkit.similarity.all_pairs import all_pairs
from workers.torchkit.similarity.bootstrap import resampled_weights
from workers.torchkit.similarity.edges import draw_edges
from workers.torchkit.similarity.graphs import DeparaGraph
from workers.torchkit.similarity.relations import (
    among,
    pair_sums,
    relations_of,
    resampled_relations,
    unbiased_centered,
)

MEASURED = [Nodes.RSA, Nodes.DDS, Nodes.LINEAR_CKA]
PROBES = 30
LEFT, RIGHT = (random_features(PROBES, 8, seed=seed) + 0.5 for seed in (1, 2))
ALL = torch.ones(PROBES, dtype=torch.bool)


def similarity(left: Tensor, right: Tensor, nodes: Nodes) -> float:
    mask = torch.ones(len(left), dtype=torch.bool)
    first, second = (relations_of(features, mask, nodes).rows for features in (left, right))
    return float((first * second).sum() / len(left))


def graph_of(
    name: str, features: Tensor, nodes: Nodes, invalid: tuple[int, ...] = ()
) -> DeparaGraph:
    mask = torch.ones(len(features), dtype=torch.bool)
    mask[list(invalid)] = False
    features = features * mask.unsqueeze(1)
    relations = relations_of(features, mask, nodes)
    return DeparaGraph(name, KEY, relations.rows.half(), draw_edges(features, mask).ranks, mask)


@pytest.mark.parametrize("nodes", MEASURED)
def test_the_mean_product_of_rows_is_the_measure_of_the_paper(nodes: Nodes) -> None:
    expected = oracle.MEASURES[nodes](LEFT.double().numpy(), RIGHT.double().numpy())

    assert similarity(LEFT, RIGHT, nodes) == pytest.approx(expected, abs=1e-5)
    assert similarity(LEFT, LEFT, nodes) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize(
    ("nodes", "left", "right", "expected"),
    [
        # ⟨x, y⟩² / (⟨x, x⟩ ⟨y, y⟩) of one centered unit each.
        (Nodes.LINEAR_CKA, [[1.0], [-1], [0], [0]], [[1.0], [0], [-1], [0]], 0.25),
        # U-centered entries −4/3 within a sign and 2/3 across: −24/9 over 48/9.
        (Nodes.DDS, [[1.0], [1], [-1], [-1]], [[1.0], [-1], [1], [-1]], -0.5),
        # Correlations .5, −.5, −1 and −.5, .5, −1 of three pairs: ranks 3, 2, 1 and 2, 3, 1.
        (
            Nodes.RSA,
            [[1.0, 2, 3], [1, 3, 2], [3, 2, 1]],
            [[1.0, 2, 3], [2, 3, 1], [3, 2, 1]],
            0.5,
        ),
    ],
)
def test_cases_worked_out_by_hand(
    nodes: Nodes, left: list[list[float]], right: list[list[float]], expected: float
) -> None:
    assert similarity(torch.tensor(left), torch.tensor(right), nodes) == pytest.approx(
        expected, abs=1e-6
    )


def test_each_measure_ignores_what_its_definition_ignores() -> None:
    turned = torch.linalg.qr(random_features(8, 8, seed=7)).Q
    scales = torch.linspace(0.1, 5.0, 8)
    sizes = torch.linspace(0.1, 5.0, PROBES).unsqueeze(1)

    for changed, nodes in (
        (3 * (LEFT @ turned) + 2, Nodes.LINEAR_CKA),
        (LEFT * scales - 4, Nodes.DDS),
        (LEFT * sizes + sizes, Nodes.RSA),
    ):
        assert similarity(changed, LEFT, nodes) == pytest.approx(1.0, abs=1e-4)


def test_a_unit_that_never_changes_does_not_count_in_dds() -> None:
    constant = torch.full((PROBES, 1), 4.1)

    wider = torch.cat([LEFT, constant], dim=1)

    assert similarity(wider, LEFT, Nodes.DDS) == pytest.approx(1.0, abs=1e-5)


def test_unbiased_centering_leaves_rows_that_sum_to_zero() -> None:
    mask = ALL.clone()
    mask[5] = False
    square = (LEFT @ RIGHT.T).double()

    centered = unbiased_centered(square + square.T, mask)

    assert_close(centered.sum(dim=0), torch.zeros(PROBES, dtype=torch.float64), atol=1e-9, rtol=0)
    assert not centered[5].any()


@pytest.mark.parametrize("nodes", [Nodes.RSA, Nodes.LINEAR_CKA])
def test_rows_restricted_to_common_probes_are_those_of_these_probes_alone(nodes: Nodes) -> None:
    common = ALL.clone()
    common[[3, 11, 12]] = False

    restricted = among(relations_of(LEFT, ALL, nodes).rows.half(), common, nodes)

    alone = relations_of(LEFT[common], ALL[common], nodes).rows
    assert_close(restricted[common][:, common], alone, atol=2e-3, rtol=2e-3)
    assert not restricted[~common].any()
    assert not restricted[:, ~common].any()


@pytest.mark.parametrize("nodes", MEASURED)
def test_maps_and_rankings_compare_relations_over_common_probes(nodes: Nodes) -> None:
    whole, gap, other = (
        graph_of("whole", LEFT, nodes),
        graph_of("gap", RIGHT, nodes, invalid=(4, 9)),
        graph_of("other", LEFT + RIGHT, nodes),
    )
    common = gap.mask
    left, right = (among(graph.maps, common, nodes).double() for graph in (whole, gap))
    expected = float((left * right).sum() / common.sum())

    table = all_pairs([whole, gap, other], nodes=nodes)
    inputs = RankingData(whole, iter([gap, other]), 2, nodes=nodes)
    result = ranking.run(inputs, RankingParams(replicates=50), silent)

    assert float(table.node[0, 1]) == pytest.approx(expected, abs=1e-4)
    assert [item.node_similarity for item in result.items] == pytest.approx(
        [float(table.node[0, 1]), float(table.node[0, 2])], abs=1e-4
    )
    assert all(item.spread is not None and item.spread.node_variance > 0 for item in result.items)


def test_weights_of_one_leave_the_similarity_as_it_is() -> None:
    left, right = (relations_of(side, ALL, Nodes.DDS).rows for side in (LEFT, RIGHT))
    once = torch.ones(1, PROBES)

    assert float(resampled_relations(left, right, once)) == pytest.approx(
        similarity(LEFT, RIGHT, Nodes.DDS), abs=1e-5
    )
    assert float(pair_sums(torch.ones(3, 3), torch.tensor([[2.0, 1.0, 0.0]]))) == 2 * 2 + 3


@pytest.mark.parametrize("nodes", MEASURED)
def test_replicates_move_as_far_as_fresh_probes_move_the_measure(nodes: Nodes) -> None:
    left, right = (random_features(1500, 8, seed=seed, shared=0.7) for seed in (1, 2))
    wide = left.double().numpy(), right.double().numpy()
    fresh = oracle.fresh_scores(wide, oracle.MEASURES[nodes], probes=60, samples=40, seed=0)

    spreads = []
    for start in range(0, 600, 60):
        drawn = slice(start, start + 60)
        mask = torch.ones(60, dtype=torch.bool)
        first, second = (relations_of(side[drawn], mask, nodes).rows for side in (left, right))
        generator = torch.Generator().manual_seed(start)
        weights = resampled_weights(mask, replicates=300, generator=generator)
        spreads.append(float(resampled_relations(first, second, weights).std()))

    assert np.mean(spreads) == pytest.approx(fresh.std(), rel=0.35)


@pytest.mark.parametrize("nodes", MEASURED)
def test_a_feature_that_never_changes_has_no_relations(nodes: Nodes) -> None:
    constant = torch.tensor([0.1, 3.0, -7.0]).expand(PROBES, 3)

    relations = relations_of(constant, ALL, nodes)

    # RSA tells probes apart by the pattern over units alone, which is the same here: ranks tie.
    assert relations.constant
