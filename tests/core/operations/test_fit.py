"""A target fits nothing only if its images are enough to show that."""

from itertools import product

import pytest

from service.core.operations.rankings.fit import luck


@pytest.mark.parametrize(("right", "images", "chance"), [(0, 4, 0.5), (3, 4, 0.25), (8, 8, 0.5)])
def test_luck_counts_the_ways_to_be_right(right: int, images: int, chance: float):
    outcomes = product((True, False), repeat=images)
    slow = sum(
        chance ** sum(outcome) * (1 - chance) ** (images - sum(outcome))
        for outcome in outcomes
        if sum(outcome) >= right
    )

    assert luck(right, images=images, chance=chance) == pytest.approx(slow)


def test_no_answer_to_eight_questions_is_beyond_luck_and_one_to_ten_is():
    assert luck(8, images=8, chance=0.5) > 0.00135
    assert luck(10, images=10, chance=0.5) < 0.00135
