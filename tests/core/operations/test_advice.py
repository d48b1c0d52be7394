"""The advice of a ranking: standardized means, equals, costs and what they make of a sentence."""

from typing import Any

import pytest

from service.core.operations.rankings import advice, consensus, costs


def item(name: str, score: float, flops: int | None = 100, **fields: Any) -> dict[str, Any]:
    base = {"model_id": f"mdl_{name}", "name": name, "score": score, "interval": None}
    return {**base, "parameters": None, "flops": flops, "size_bytes": None, **fields}


def advised(metric: str, *items: dict[str, Any], **findings: Any) -> str | None:
    return advice.sentence(metric, items, findings=findings)


def test_a_mean_of_standardized_scores_uses_those_that_a_network_has():
    scores = {"cka": {"a": 1.0, "b": 3.0}, "leep": {"a": -2.0, "b": -4.0, "c": -3.0}}

    means = consensus.standardized_means(scores, names=("cka", "leep"))

    leep = 1.5**0.5
    assert means == pytest.approx({"a": (-1 + leep) / 2, "b": (1 - leep) / 2, "c": 0.0})


def test_a_constant_score_tells_no_network_from_another():
    means = consensus.standardized_means({"cka": {"a": 0.5, "b": 0.5}}, names=("cka",))

    assert means == {"a": 0.0, "b": 0.0}


def test_a_network_without_any_score_is_left_out():
    assert consensus.standardized_means({}, names=("cka",)) == {}


def test_one_clear_first_is_named_alone():
    assert advised("labels", item("fox", 1.0), item("hen", 0.0)) == "Start from fox."


def test_many_equals_are_counted_and_the_cheapest_is_named():
    names = ("fox", "hen", "cow", "owl")
    flops = (4000, 4000, 40, 4000)
    items = [item(name, 1.0, cost) for name, cost in zip(names, flops, strict=True)]

    assert advised("labels", *items) == (
        "Start from fox; 3 others cannot be told apart from it;"
        " cow is 100 times cheaper in operations."
    )


def test_more_close_followers_need_a_larger_set():
    assert consensus.likely_best([1.0, 0.0]) == 1
    assert consensus.likely_best([1.0, 0.5, -1.0]) == 2
    assert consensus.likely_best([1.0, 0.2, 0.2, 0.2, 0.2, -1.0]) == 5


def test_equal_scores_are_in_or_out_together():
    assert consensus.likely_best([1.0, 0.3, 0.3, -2.0]) == 3
    assert consensus.likely_best([0.0]) == 1


def test_overlapping_intervals_make_equals():
    items = [
        item("fox", 0.5, interval=[0.4, 0.6]),
        item("hen", 0.4, interval=[0.3, 0.5]),
        item("cow", 0.1, interval=[0.0, 0.2]),
    ]

    assert advised("depara", *items) == "Start from fox or hen; they cannot be told apart."


def test_the_set_of_likely_best_decides_for_a_posterior():
    best_set = {"model_ids": ["mdl_cow"]}

    sentence = advised(
        "fused", item("fox", 0.9), item("hen", 0.8), item("cow", 0.7), best_set=best_set
    )

    assert sentence == "Start from fox or cow; they cannot be told apart."


def test_a_single_estimator_says_nothing_about_equals():
    assert advised("logme", item("fox", 0.5), item("hen", 0.5)) == "Start from fox."


def test_nothing_fits_comes_before_any_name():
    doubts = [{"code": "nothing_fits", "detail": ""}]

    assert "None of these" in (advised("labels", item("fox", 1.0), warnings=doubts) or "")


def test_without_a_ranked_network_there_is_no_advice():
    assert advised("labels") is None


@pytest.mark.parametrize(
    ("flops", "marks"),
    [((5, 7, 3, 3), [True, False, True, False]), ((5, None, 3, 3), [True, False, False, False])],
)
def test_pareto_marks_what_is_cheaper_than_all_above(
    flops: tuple[int | None, ...], marks: list[bool]
):
    items = [item(str(index), -index, cost) for index, cost in enumerate(flops)]

    assert [row["pareto"] for row in costs.marked(items)] == marks
