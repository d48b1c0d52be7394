"""Every candidate gets both similarities and how far they may move, whatever came before it."""

import pytest

from service.core.catalog.ranking import RankingParams
from tests.workers.torchkit.graph_samples import KEY, random_graph
from workers.methods import ranking
from workers.methods.ranking import ComparedGraph, RankingData, RankingResult
from workers.torchkit.protocols import silent
from workers.torchkit.similarity.comparison import DegenerateTargetError
from workers.torchkit.similarity.graphs import DeparaGraph, MeasurementStatus, NotComparableError
from workers.torchkit.similarity.similarity import compare

FOX, HEN, OWL = (random_graph(name, seed=s) for s, name in enumerate(("fox", "hen", "owl")))
LAME = random_graph("lame", seed=3, invalid=(4,))
PARAMS = RankingParams(replicates=50)


def result_of(
    *candidates: DeparaGraph, target: DeparaGraph = FOX, min_valid: float = 0.9
) -> RankingResult:
    inputs = RankingData(target, iter(candidates), len(candidates), min_valid)
    return ranking.run(inputs, PARAMS, silent)


def item_of(result: RankingResult, name: str) -> ComparedGraph:
    return next(item for item in result.items if item.model_id == name)


def with_status(graph: DeparaGraph, status: MeasurementStatus) -> DeparaGraph:
    return DeparaGraph(graph.model_id, KEY, graph.maps, graph.ranks, graph.mask, status)


@pytest.mark.parametrize("candidate", [HEN, LAME], ids=["same probes", "one probe missing"])
def test_similarities_are_those_of_a_single_comparison(candidate: DeparaGraph) -> None:
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
    assert (result.target_id, result.target_status) == ("fox", MeasurementStatus.OK)


def test_a_copy_scores_one_and_does_not_move() -> None:
    copy = DeparaGraph("copy", KEY, FOX.maps, FOX.ranks, FOX.mask)

    item = result_of(copy).items[0]

    assert item.node_similarity == pytest.approx(1.0, abs=1e-3)
    assert item.edge_similarity == pytest.approx(1.0, abs=1e-6)
    assert item.spread is not None
    assert item.spread.node_variance < 1e-6
    assert item.spread.edge_variance < 1e-6


def test_the_order_of_candidates_changes_nothing() -> None:
    result, reordered = result_of(HEN, LAME, OWL), result_of(OWL, LAME, HEN)

    for name in ("hen", "lame", "owl"):
        assert item_of(result, name) == item_of(reordered, name)


def test_a_degenerate_candidate_and_one_without_common_probes_have_no_similarity() -> None:
    blind = random_graph("blind", invalid=(0, 1, 2))

    result = result_of(with_status(HEN, MeasurementStatus.DEGENERATE), blind)

    assert item_of(result, "hen") == ComparedGraph("hen", MeasurementStatus.DEGENERATE, 20)
    assert item_of(result, "blind") == ComparedGraph("blind", MeasurementStatus.OK, 17)


def test_nothing_is_compared_with_a_degenerate_target() -> None:
    with pytest.raises(DegenerateTargetError, match="fox"):
        result_of(HEN, target=with_status(FOX, MeasurementStatus.DEGENERATE))


def test_graphs_of_other_settings_are_refused() -> None:
    with pytest.raises(NotComparableError):
        result_of(DeparaGraph("hen", "other", HEN.maps, HEN.ranks, HEN.mask))


def test_every_candidate_is_reported() -> None:
    reports: list[tuple[int, int]] = []

    def report(step: int, total: int, message: str = "") -> None:
        reports.append((step, total))

    ranking.run(RankingData(FOX, iter([HEN, OWL]), 2), PARAMS, report)

    assert reports == [(1, 2), (2, 2)]
