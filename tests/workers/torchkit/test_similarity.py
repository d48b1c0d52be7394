"""Similarities are the papers', one pair at a time or all at once, in memory or from files."""

import math
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from scipy.stats import spearmanr
from torch.testing import assert_close

from service.core.catalog.measurement import RankVariant
from service.core.tables.graph import GraphStatus as RecordedStatus
from tests.methods.oracles import depara as oracle
from tests.workers.torchkit.graph_samples import random_features, random_graph
from workers.torchkit.similarity.all_pairs import all_pairs
from workers.torchkit.similarity.edges import present_edges
from workers.torchkit.similarity.graphs import (
    DeparaGraph,
    GraphFile,
    MeasurementStatus,
    NotComparableError,
    UnreadableGraphError,
    from_tensors,
    to_metadata,
    to_tensors,
)
from workers.torchkit.similarity.similarity import (
    BadEdgeWeightError,
    Pair,
    compare,
    distance,
    ranked,
    score,
)

FOX, HEN = random_graph("fox", seed=1), random_graph("hen", seed=2)
LAME = random_graph("lame", seed=3, invalid=(4,))


def test_node_similarity_is_the_mean_cosine() -> None:
    pair = compare(FOX, HEN)

    slow = oracle.node_similarity(FOX.maps.tolist(), HEN.maps.tolist())
    assert pair.node_similarity == pytest.approx(slow, abs=1e-3)
    assert pair.valid_probes == 20


def test_edge_similarity_is_spearmans_correlation_of_the_edges() -> None:
    pair = compare(FOX, HEN)

    slow = spearmanr(
        *(oracle.edges(oracle.centered(random_features(20, seed=s).tolist())) for s in (1, 2))
    )
    assert pair.edge_similarity == pytest.approx(slow.statistic, abs=1e-6)


def test_a_missing_probe_is_left_out_on_both_sides() -> None:
    pair = compare(FOX, LAME)

    probes = [p for p in range(20) if p != 4]
    node = oracle.node_similarity(FOX.maps[probes].tolist(), LAME.maps[probes].tolist())
    common = present_edges(LAME.mask)
    edge = spearmanr(FOX.ranks[common], LAME.ranks[common]).statistic
    assert pair.valid_probes == 19
    assert pair.node_similarity == pytest.approx(node, abs=1e-3)
    assert pair.edge_similarity == pytest.approx(edge, abs=1e-6)


def test_too_few_common_probes_give_no_similarity() -> None:
    pair = compare(FOX, random_graph("blind", invalid=(0, 1, 2)), min_valid=0.9)

    assert pair == Pair("blind", None, None, 17)


def test_all_pairs_are_the_single_pairs() -> None:
    graphs = [FOX, HEN, LAME, random_graph("owl", seed=5, invalid=(4, 7))]

    table = all_pairs(graphs, min_valid=0.5)

    for i, left in enumerate(graphs):
        for j, right in enumerate(graphs):
            if i != j:
                pair = compare(left, right, min_valid=0.5)
                assert float(table.node[i, j]) == pytest.approx(pair.node_similarity, abs=1e-6)
                assert float(table.edge[i, j]) == pytest.approx(pair.edge_similarity, abs=1e-6)
                assert int(table.valid[i, j]) == pair.valid_probes
    assert_close(table.scores(2.0).diagonal(), torch.full((4,), 3.0, dtype=torch.float64))


def test_all_pairs_cut_into_small_blocks_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    graphs = [FOX, HEN, LAME]
    whole = all_pairs(graphs)
    monkeypatch.setattr("workers.torchkit.similarity.all_pairs._BLOCK_VALUES", 200)
    monkeypatch.setattr("workers.torchkit.similarity.all_pairs._RERANKED_PER_BLOCK", 1)

    pieces = all_pairs(graphs)

    assert_close(pieces.node, whole.node)
    assert_close(pieces.edge, whole.edge)


def test_all_pairs_without_enough_common_probes_are_unknown() -> None:
    table = all_pairs([FOX, random_graph("blind", invalid=(0, 1, 2))], min_valid=0.9)

    assert table.node[0, 1].isnan()
    assert table.edge[0, 1].isnan()


def test_ordinal_ranks_stay_ordinal_when_probes_are_dropped() -> None:
    pair = compare(FOX, LAME, variant=RankVariant.ORDINAL)

    assert pair.edge_similarity == pytest.approx(compare(FOX, LAME).edge_similarity, abs=0.02)


def test_the_target_comes_first_in_nobodys_ranking_and_the_unknown_last() -> None:
    pairs = [
        Pair("self", 1.0, 1.0, 9),
        Pair("unknown", None, None, 2),
        Pair("b", 0.2, 0.4, 9),
        Pair("a", 0.2, 0.4, 9),
        Pair("edges", 0.1, 0.8, 9),
        Pair("nodes", 0.4, 0.2, 9),
    ]

    order = [pair.other for pair in ranked("self", pairs, edge_weight=0.5)]

    # 0.5 each for edges and nodes: the tie goes to the higher node similarity.
    assert order == ["nodes", "edges", "a", "b", "unknown"]


@pytest.mark.parametrize("weight", [-0.1, math.nan, math.inf])
def test_impossible_edge_weights_are_refused(weight: float) -> None:
    with pytest.raises(BadEdgeWeightError):
        score(0.5, 0.5, edge_weight=weight)
    with pytest.raises(BadEdgeWeightError):
        ranked("a", [], edge_weight=weight)


def test_distance_is_infinite_where_similarity_is_not_positive() -> None:
    assert [distance(s) for s in (0.5, 1.0, 0.0, -0.2)] == [2.0, 1.0, math.inf, math.inf]


@pytest.mark.parametrize(
    "other", [random_graph("x", pixels=31), random_graph("x", probes=21)], ids=["grid", "probes"]
)
def test_graphs_of_other_probes_or_grids_are_never_compared(other: DeparaGraph) -> None:
    with pytest.raises(NotComparableError):
        compare(FOX, other)
    with pytest.raises(NotComparableError):
        all_pairs([FOX, other])


def test_graphs_of_other_settings_are_never_compared() -> None:
    other = DeparaGraph("x", "other settings", FOX.maps, FOX.ranks, FOX.mask)

    with pytest.raises(NotComparableError, match="fox and x"):
        compare(FOX, other)


def test_a_graph_comes_back_from_its_file_whole_and_in_slices(tmp_path: Path) -> None:
    path = tmp_path / "lame.safetensors"
    save_file(to_tensors(LAME), path, metadata=to_metadata(LAME))

    file = GraphFile(path)

    assert (file.model_id, file.comparable_key, file.status) == ("lame", LAME.comparable_key, "ok")
    assert file.pixels == 30
    assert_close(file.mask, LAME.mask)
    assert_close(file.read_maps(3, 7), LAME.maps[3:7])
    assert_close(file.read_ranks(), LAME.ranks)
    assert compare(FOX, file) == compare(FOX, LAME)
    again = from_tensors(to_tensors(LAME), to_metadata(LAME))
    assert_close(again.ranks, LAME.ranks)


def test_a_file_that_lacks_a_part_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "half.safetensors"
    save_file({"maps": FOX.maps, "mask": FOX.mask}, path)

    with pytest.raises(UnreadableGraphError, match="lacks ranks"):
        GraphFile(path)


def test_a_file_whose_parts_do_not_fit_is_refused() -> None:
    tensors = to_tensors(FOX) | {"mask": HEN.mask[:-1].clone()}

    with pytest.raises(UnreadableGraphError, match="19 mask entries"):
        from_tensors(tensors, {})


def test_the_statuses_are_those_of_the_records() -> None:
    assert {status.value for status in MeasurementStatus} == {
        status.value for status in RecordedStatus
    }
