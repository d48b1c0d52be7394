"""Every candidate gets both similarities and how far they may move, whatever came before it."""

import pytest

from service.core.catalogue.ranking import RankingParams
from tests.workers.torchkit.graph_samples import KEY, random_graph
from workers.contract import silent
from workers.methods import ranking
from workers.methods.ranking import Inputs, Item, Result
from workers.torchkit.comparison import DegenerateTargetError
from workers.torchkit.graphs import Graph, GraphStatus, NotComparableError
from workers.torchkit.similarity import compare

FOX, HEN, OWL = (random_graph(name, seed=s) for s, name in enumerate(("fox", "hen", "owl")))
LAME = random_graph("lame", seed=3, invalid=(4,))
PARAMS = RankingParams(replicates=50)


def result_of(*candidates: Graph, target: Graph = FOX, min_valid: float = 0.9) -> Result:
    inputs = Inputs(target, iter(candidates), len(candidates), min_valid)
    return ranking.run(inputs, PARAMS, silent)


def item_of(result: Result, name: str) -> Item:
    return next(item for item in result.items if item.model_id == name)


def with_status(graph: Graph, status: GraphStatus) -> Graph:
    return Graph(graph.model_id, KEY, graph.maps, graph.ranks, graph.mask, status)


@pytest.mark.parametrize("candidate", [HEN, LAME], ids=["same probes", "one probe missing"])
def test_similarities_are_those_of_a_single_comparison(candidate: Graph) -> None:
    item = result_of(candidate).items[0]

    pair = compare(FOX, candidate)
    assert item.node_similarity == pytest.approx(pair.node_similarity, abs=1e-6)
    assert item.edge_similarity == pytest.approx(pair.edge_similarity, abs=1e-6)
    assert item.valid_probes == pair.valid_probes
    assert item.spread is not None
    assert item.spread.node_variance > 0
    assert item.spread.edge_variance > 0


def test_the_target_is_not_its_own_candidate() -> None:
    result = result_of(FOX, HEN)

    assert [item.model_id for item in result.items] == ["hen"]
    assert (result.target_id, result.target_status) == ("fox", GraphStatus.OK)


def test_a_copy_scores_one_and_does_not_move() -> None:
    copy = Graph("copy", KEY, FOX.maps, FOX.ranks, FOX.mask)

    item = result_of(copy).items[0]

    assert item.node_similarity == pytest.approx(1.0, abs=1e-3)
    assert item.edge_similarity == pytest.approx(1.0, abs=1e-6)
    assert item.spread is not None
    assert item.spread.node_variance < 1e-6
    assert item.spread.edge_variance < 1e-6


def test_the_order_of_candidates_changes_nothing() -> None:
    one, other = result_of(HEN, LAME, OWL), result_of(OWL, LAME, HEN)

    for name in ("hen", "lame", "owl"):
        assert item_of(one, name) == item_of(other, name)


def test_a_degenerate_candidate_and_one_without_common_probes_have_no_similarity() -> None:
    blind = random_graph("blind", invalid=(0, 1, 2))

    result = result_of(with_status(HEN, GraphStatus.DEGENERATE), blind)

    assert item_of(result, "hen") == Item("hen", GraphStatus.DEGENERATE, 20)
    assert item_of(result, "blind") == Item("blind", GraphStatus.OK, 17)


def test_nothing_is_compared_with_a_degenerate_target() -> None:
    with pytest.raises(DegenerateTargetError, match="fox"):
        result_of(HEN, target=with_status(FOX, GraphStatus.DEGENERATE))


def test_graphs_of_other_settings_are_refused() -> None:
    with pytest.raises(NotComparableError):
        result_of(Graph("hen", "other", HEN.maps, HEN.ranks, HEN.mask))


def test_every_candidate_is_reported() -> None:
    heard: list[tuple[int, int]] = []

    def report(step: int, total: int, message: str = "") -> None:
        heard.append((step, total))

    ranking.run(Inputs(FOX, iter([HEN, OWL]), 2), PARAMS, report)

    assert heard == [(1, 2), (2, 2)]
