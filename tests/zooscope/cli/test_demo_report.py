"""The demo's table shows the results, and its correlation is Spearman's."""

import math
from typing import Any

import pytest
from scipy.stats import spearmanr

from zooscope.cli.demo_report import agreement, likely_best, rows, spearman, table

TRUTH = {"fox": 0.9, "hen": 0.7, "owl": 0.8}


def ranking(metric: str, **scores: float) -> dict:
    ordered = sorted(scores, key=lambda name: -scores[name])
    items = [
        {
            "rank": index,
            "model_id": f"mdl_{name}",
            "name": name,
            "score": scores[name],
            "node_similarity": scores[name],
            "edge_similarity": 0.1,
            "interval": [scores[name] - 0.1, scores[name] + 0.1],
            "valid_probes": 8,
        }
        for index, name in enumerate(ordered, start=1)
    ]
    return {"metric": metric, "items": items, "unranked": []}


def test_rows_follow_the_first_ranking_and_include_the_other_rank_and_the_truth():
    result = rows(
        ranking("depara", fox=0.5, hen=0.1, owl=0.3),
        ranking("attribution", fox=0.1, hen=0.5, owl=0.3),
        TRUTH,
    )

    assert [
        (row["name"], row["attribution_rank"], row["transfer_accuracy"]) for row in result
    ] == [
        ("fox", 3, 0.9),
        ("owl", 2, 0.8),
        ("hen", 1, 0.7),
    ]


def test_a_network_missing_in_the_other_ranking_gets_a_dash():
    result = rows(ranking("depara", fox=0.5), ranking("attribution", hen=0.1), TRUTH)

    assert " – " in table(result)


def test_the_table_fits_eighty_columns():
    result = rows(ranking("depara", fox=0.5), ranking("attribution", fox=0.1), TRUTH)

    assert max(map(len, table(result).splitlines())) <= 80


def test_agreement_is_perfect_when_the_order_is_the_truth():
    assert agreement(ranking("depara", fox=3, owl=2, hen=1), TRUTH).spearman == pytest.approx(1)


@pytest.mark.parametrize(
    ("left", "right"),
    [([1, 2, 3, 4], [2, 1, 4, 3]), ([1, 1, 2, 3], [3, 2, 2, 1]), ([0.5, 0.5, 0.1], [1, 2, 3])],
)
def test_spearman_agrees_with_scipy_also_with_ties(left: list[float], right: list[float]):
    assert spearman(left, right) == pytest.approx(spearmanr(left, right).statistic)


def test_spearman_of_a_constant_is_not_a_number():
    assert math.isnan(spearman([1, 1, 1], [1, 2, 3]))


def test_the_fused_summary_names_the_best_set_and_its_probability():
    items = [{"model_id": "mdl_1", "name": "hen"}, {"model_id": "mdl_2", "name": "fox"}]
    best = {"model_ids": ["mdl_2"], "coverage": 0.8, "probability": 0.841}
    fused: Any = {"items": items, "best_set": best}

    reported = likely_best(fused)

    assert (
        reported
        == "According to all evidence, the best network is, with probability 84%, one of: fox"
    )
