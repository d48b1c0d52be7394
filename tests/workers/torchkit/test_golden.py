"""The published numbers come out of our evaluator, our tree and our score (G1 to G6).

What cannot be checked: the RSA and ModelGiF matrices of G3 are not published as data, so SVCCA and
three attribution matrices stand in; absolute similarities of the first paper are not published.
"""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import spearmanr

from workers.torchkit.similarity.evaluation import (
    Retrieval,
    argmax_regret,
    mean_column_spearman,
    oracle_precision,
    orders,
    random_precision,
    random_recall,
    retrieval,
)
from workers.torchkit.similarity.similarity import score
from workers.torchkit.similarity.trees import task_tree

GOLDEN = Path(__file__).parents[2] / "golden"
MAPS = GOLDEN / "attribution_maps"
TASKONOMY = GOLDEN / "taskonomy"
DECODED = sorted(path.stem for path in MAPS.glob("figS2_*.csv"))


def lines(path: Path) -> list[str]:
    """The file's lines; the file is closed."""
    return path.read_text(encoding="utf-8").splitlines()


def table(path: Path) -> tuple[list[str], list[str], Any]:
    """Column names, row names and numbers."""
    header, *rows = csv.reader(lines(path))
    numbers = [[float(cell) for cell in row[1:]] for row in rows]
    return header[1:], [row[0] for row in rows], np.array(numbers)


def truth() -> tuple[list[str], Any]:
    """Targets, and their sources best first as columns of the decoded matrices."""
    names = table(MAPS / f"{DECODED[0]}.csv")[0]
    rows = list(csv.reader(lines(TASKONOMY / "sort_gt_named.csv")))[1:]
    order = [[names.index(source) for source in row[1:]] for row in rows]
    return [row[0] for row in rows], np.array(order)


def found_by(matrix: str) -> Retrieval:
    """What a decoded matrix retrieves for the 18 targets."""
    names, _, similarity = table(MAPS / f"{matrix}.csv")
    targets, best = truth()
    own = np.array([names.index(target) for target in targets])
    return retrieval(orders(similarity[own], own), best)


def curve_name(matrix: str) -> str:
    """``figS2_gradxinput_coco_20`` as the curves' file calls it."""
    _, method, probes, _ = matrix.split("_")
    return f"{probes}_{'grad*input' if method == 'gradxinput' else method}"


def test_g1_affinities_sorted_give_the_published_order() -> None:
    targets, sources, affinity = table(TASKONOMY / "affinity16k_vipa_order_20x18.csv")
    own = np.array([sources.index(target) for target in targets])

    order = orders(affinity.T.copy(), own)

    assert targets == truth()[0]
    assert_array_equal(order, truth()[1])


@pytest.mark.parametrize("matrix", DECODED)
def test_g2_decoded_matrices_give_the_golden_hits(matrix: str) -> None:
    golden = json.loads((MAPS / "golden_hits_from_decoded_matrices.json").read_text())
    _, method, probes, _ = matrix.split("_")

    hits = found_by(matrix).hits

    assert hits.tolist() == golden[f"{method}_{probes}"]["hits@K(of 90) K=1..19"]


@pytest.mark.parametrize("matrix", DECODED)
@pytest.mark.parametrize("curve", ["precision", "recall"])
def test_g2_curves_are_met_within_two_hits(matrix: str, curve: str) -> None:
    _, methods, values = table(MAPS / f"fig4_{curve}_at_k.csv")
    published = values[methods.index(curve_name(matrix))]
    per_hit = 90.0 if curve == "recall" else 18.0 * np.arange(1, 20)

    ours = getattr(found_by(matrix), curve)

    assert np.abs((ours - published) * per_hit).max() <= 2.01


@pytest.mark.parametrize("curve", ["precision", "recall"])
def test_g2_the_curves_of_svcca_are_met_within_two_hits(curve: str) -> None:
    _, methods, values = table(MAPS / f"fig4_{curve}_at_k.csv")
    per_hit = 90.0 if curve == "recall" else 18.0 * np.arange(1, 20)

    ours = getattr(found_by("fig3_svcca_taskonomy_20"), curve)

    assert np.abs((ours - values[methods.index("svcca")]) * per_hit).max() <= 2.01


def depara_curve(probes: str, method: str) -> list[dict[str, str]]:
    """Points of a precision-recall curve of the DEPARA paper, K = 1 … 19."""
    rows = csv.DictReader(lines(GOLDEN / "depara" / "pr_curves.csv"))
    return [row for row in rows if (row["probe"], row["method"]) == (probes, method)]


@pytest.mark.parametrize("probes", ["taskonomy", "coco", "indoor"])
def test_g2_the_curve_of_deparas_nodes_is_that_of_gradient_times_input(probes: str) -> None:
    published = [int(row["hits_of_90"]) for row in depara_curve(probes, "DEPARA-V")]

    ours = found_by(f"figS2_gradxinput_{probes}_20").hits

    assert len(published) == 19
    assert np.abs(ours - published).max() <= 2


@pytest.mark.parametrize("probes", ["taskonomy", "coco", "indoor"])
@pytest.mark.parametrize("method", ["DEPARA-V", "DEPARA-E", "DEPARA", "RSA", "oracle"])
def test_g2_precision_and_recall_of_deparas_curves_are_our_definitions(
    probes: str, method: str
) -> None:
    rows = depara_curve(probes, method)
    hits = np.array([int(row["hits_of_90"]) for row in rows])
    # Eighteen targets, of which the first so many have the K-th hit at rank K.
    steps = np.diff(hits, prepend=0)
    best_five_first = np.tile(np.arange(19), (18, 1))
    ranks = np.full((18, 19), 99)
    for rank, step in enumerate(steps):
        free = sorted(range(18), key=lambda target: (ranks[target] < 5).sum())[:step]
        for target in free:
            ranks[target, rank] = (ranks[target] < 5).sum()

    ours = retrieval(ranks, best_five_first)

    assert_array_equal(ours.hits, hits)
    assert_allclose(ours.precision, [float(row["precision"]) for row in rows], atol=1e-6)
    assert_allclose(ours.recall, [float(row["recall"]) for row in rows], atol=1e-6)


@pytest.mark.parametrize(
    ("matrix", "published"),
    [
        ("figS2_saliency_taskonomy_20", 0.587),
        ("figS2_gradxinput_taskonomy_20", 0.626),
        ("figS2_elrp_taskonomy_20", 0.630),
        ("fig3_svcca_taskonomy_20", 0.735),
    ],
)
def test_g3_mean_column_spearman_over_17_tasks(matrix: str, published: float) -> None:
    names, _, similarity = table(MAPS / f"{matrix}.csv")
    targets, sources, affinity = table(TASKONOMY / "all_affinities.first_order.csv")
    alias = dict(list(csv.reader(lines(TASKONOMY / "task_aliases.csv")))[i][:2] for i in range(21))
    tasks = [n for n in names if n not in {"colorization", "inpainting_whole", "class_places"}]
    rows = [sources.index(alias[task]) for task in tasks]
    columns = [targets.index(alias[task]) for task in tasks]
    ours = [names.index(task) for task in tasks]

    measured = mean_column_spearman(
        similarity[np.ix_(ours, ours)], affinity[np.ix_(rows, columns)]
    )

    assert len(tasks) == 17
    assert measured == pytest.approx(published, abs=0.0006)


@pytest.mark.parametrize("probes", ["coco", "indoor"])
def test_g4_single_linkage_of_rows_gives_the_published_heights(probes: str) -> None:
    published = json.loads((MAPS / f"figS3_elrp_{probes}.json").read_text())
    _, _, similarity = table(MAPS / f"figS2_elrp_{probes}_20.csv")

    tree = task_tree(similarity)

    heights = [join.height for join in tree.joins]
    assert_allclose(heights, [row[2] for row in published["linkage"]], atol=0.005)


def test_g5_scores_of_layers_are_nodes_plus_weighted_edges() -> None:
    rows = list(csv.DictReader(lines(GOLDEN / "depara" / "table2_layer_selection.csv")))
    assert len(rows) == 30

    for row in rows:
        node, edge = float(row["sim_V"]), float(row["sim_E"])
        # Both parts are printed with two decimals, so λ multiplies an error of 0.005.
        for weight, slack in ((1.0, 0.0151), (10.0, 0.0601)):
            printed = float(row[f"sim_lambda{weight:.0f}"])
            assert score(node, edge, edge_weight=weight) == pytest.approx(printed, abs=slack)


def test_g5_the_chosen_layers_are_17_17_3_and_13() -> None:
    rows = list(csv.DictReader(lines(GOLDEN / "depara" / "table2_layer_selection.csv")))
    chosen = []

    for model in ("DNN-ImageNet", "DNN-Source"):
        layers = [row for row in rows if row["source_model"] == model]
        chosen += [
            max(layers, key=lambda row: float(row[column]))["layer"]
            for column in ("sim_lambda1", "sim_lambda10")
        ]

    assert chosen == ["17", "17", "3", "13"]


@pytest.mark.parametrize(
    ("model", "scores", "accuracies", "correlation", "regret"),
    [
        ("DNN-ImageNet", "sim_lambda1", "acc_10pct", 0.883, 0.44),
        ("DNN-ImageNet", "sim_lambda10", "acc_1pct", 0.847, 0.0),
        ("DNN-Source", "sim_lambda1", "acc_10pct", 0.941, 0.80),
        ("DNN-Source", "sim_lambda10", "acc_1pct", 0.988, 0.0),
    ],
)
def test_g5_scores_of_layers_order_their_accuracies_and_the_first_costs_little(
    model: str, scores: str, accuracies: str, correlation: float, regret: float
) -> None:
    rows = list(csv.DictReader(lines(GOLDEN / "depara" / "table2_layer_selection.csv")))
    layers = [row for row in rows if row["source_model"] == model]
    ours, theirs = (
        np.array([float(row[name]) for row in layers]) for name in (scores, accuracies)
    )

    measured = spearmanr(ours, theirs).statistic

    assert measured == pytest.approx(correlation, abs=0.0006)
    assert argmax_regret(ours, theirs) == pytest.approx(regret, abs=1e-9)


def test_g6_baselines_are_five_of_nineteen_and_k_of_nineteen() -> None:
    _, methods, recall = table(MAPS / "fig4_recall_at_k.csv")
    _, _, precision = table(MAPS / "fig4_precision_at_k.csv")

    assert_allclose(random_precision(19), np.full(19, 5 / 19))
    assert_allclose(random_recall(19), recall[methods.index("random")], atol=1e-6)
    assert_allclose(oracle_precision(19), precision[methods.index("oracle")], atol=1e-6)
