"""Error rates sum over the corpus before they divide, and have intervals over clips."""

import pytest
import torch

from workers.torchkit.speech.error_rates import ErrorCounts, edit_distance


@pytest.mark.parametrize(
    ("reference", "hypothesis", "errors"),
    [
        ("水饺", "睡觉", 2),
        ("今天买书", "今天卖书树", 2),
        ("abc", "", 3),
        ("", "ab", 2),
        ("a", "a", 0),
    ],
)
def test_distances_are_those_worked_out_by_hand(
    reference: str, hypothesis: str, errors: int
) -> None:
    assert edit_distance(reference, hypothesis) == errors


def slow_distance(left: str, right: str) -> int:
    if not left or not right:
        return len(left) + len(right)
    return min(
        slow_distance(left[1:], right) + 1,
        slow_distance(left, right[1:]) + 1,
        slow_distance(left[1:], right[1:]) + (left[0] != right[0]),
    )


@pytest.mark.parametrize("seed", range(8))
def test_the_distance_equals_the_recursive_twin(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    left, right = (
        "".join("abc"[index] for index in torch.randint(3, (size,), generator=generator))
        for size in (5, 6)
    )

    assert edit_distance(left, right) == slow_distance(left, right)


def test_the_rate_divides_sums_and_leaves_empty_references_out() -> None:
    counts = ErrorCounts.of(["水饺", "今天买书", ""], ["睡觉", "今天买书", "他"])

    assert counts.rate() == pytest.approx(2 / 6)
    assert len(counts.errors) == 2


def test_the_interval_holds_the_rate_and_repeats() -> None:
    counts = ErrorCounts.of(["abcd"] * 40, ["abcd"] * 20 + ["abxx"] * 20)

    low, high = counts.interval()

    assert low < counts.rate() < high
    assert (low, high) == counts.interval()


def test_the_difference_is_paired() -> None:
    worse = ErrorCounts.of(["abcd"] * 40, ["abcx"] * 20 + ["abxx"] * 20)
    better = ErrorCounts.of(["abcd"] * 40, ["abcd"] * 20 + ["abcx"] * 20)

    difference, low, high = worse.difference(better)

    assert difference == pytest.approx(0.25)
    assert (low, high) == pytest.approx((0.25, 0.25))
