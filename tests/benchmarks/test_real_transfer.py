"""Networks are ranked by images that the truth is not tested on, and sets are chosen by the stated rule."""

import json

import numpy as np
import pytest
import torch

from benchmarks.real_transfer import choice, evaluation, likely
from benchmarks.real_transfer.__main__ import RESULTS
from benchmarks.real_transfer.targets import split_of
from service.core.operations.rankings import consensus

LABELS = torch.arange(3).repeat_interleave(20)


def test_ranking_images_are_training_images_of_every_class():
    split = split_of(LABELS, seed=1)

    ranking = split.ranking(LABELS, 5)

    assert LABELS[ranking].bincount().tolist() == [5, 5, 5]
    assert set(ranking.tolist()) <= set(split.train.tolist())
    assert not set(split.train.tolist()) & set(split.test.tolist())
    assert len(split.train) + len(split.test) == len(LABELS)


def test_fewer_labels_are_a_part_of_more():
    split = split_of(LABELS, seed=1)

    assert set(split.ranking(LABELS, 5).tolist()) < set(split.ranking(LABELS, 10).tolist())


def test_the_choice_combines_scores_as_the_service_does():
    generator = np.random.default_rng(0)
    scores = {name: generator.random(6) for name in ("parc", "leep")}
    scores["leep"][2] = np.nan
    truth = generator.random(6)
    plain = {
        name: [None if np.isnan(v) else float(v) for v in row] for name, row in scores.items()
    }

    worth = choice._worth(truth, choice._standard(plain), ("parc", "leep"))

    measures = evaluation.measured(truth, evaluation.combined(scores, ("parc", "leep")))
    assert measures is not None
    assert worth == pytest.approx(
        measures["spearman"] - evaluation.PENALTY * measures["regret"], abs=1e-12
    )


def test_the_smallest_set_within_one_standard_error_is_taken():
    sets = [("a", "b", "c"), ("a", "b"), ("b", "c")]
    table = np.array([[0.9, 0.5, 0.7], [0.8, 0.6, 0.7], [0.1, 0.1, 0.1]])

    assert sets[choice._pick(table, sets)] == ("a", "b")


def test_the_static_order_never_sees_its_target():
    table = np.array([[0.9, 0.1, 0.2], [0.1, 0.9, 0.8]])

    assert evaluation.static_order(table, 0) == pytest.approx([-1.0, 1.0])


def likely_case(target: str, *truth: float) -> likely.LikelyCase:
    """A case whose networks have the scores 1, 0 and −1."""
    return likely.LikelyCase(
        target, held_back=False, scores=np.array([1.0, 0.0, -1.0]), truth=np.array(truth)
    )


def test_the_share_covers_the_worst_case_of_enough_targets():
    first, second = (0.9, 0.5, 0.1), (0.5, 0.9, 0.1)
    cases = [likely_case(f"target {at}", *first) for at in range(4)]

    _, alone = likely.learned(cases)
    temperature, share = likely.learned(
        [*cases, likely_case("target 3", *second), likely_case("target 4", *first)]
    )

    assert alone == likely.COVERAGE
    before = consensus.chances_of_best([1.0, 0.0, -1.0], temperature)[0]
    assert share == max(likely.COVERAGE, before)


def test_the_numbers_in_use_are_those_that_the_page_learned():
    page = json.loads((RESULTS / "real_transfer.json").read_text())["likely"]

    assert round(page["temperature"]["learned"], 2) == consensus.TEMPERATURE
    assert pytest.approx(page["share"]["learned"], abs=0.01) == consensus.SHARE
    assert page["share"]["learned"] <= consensus.SHARE
