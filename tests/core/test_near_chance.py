"""A training near chance is named; one that learned is not."""

import pytest

from service.core.near_chance import near_chance


@pytest.mark.parametrize(
    ("accuracy", "chance", "held_out"), [(0.5, 0.5, 100), (0.59, 0.5, 100), (0.2, 0.5, 12)]
)
def test_an_accuracy_within_two_standard_errors_of_chance_is_warned_about(
    accuracy: float, chance: float, held_out: int
) -> None:
    (warning,) = near_chance(accuracy, chance, held_out)

    assert warning["code"] == "near_chance"
    assert f"{accuracy:.3f}" in warning["detail"]


@pytest.mark.parametrize(
    ("accuracy", "chance", "held_out"),
    [(0.61, 0.5, 100), (1.0, 1.0 / 3, 12), (None, 0.5, 100), (0.5, None, 100), (0.5, 0.5, 0)],
)
def test_other_accuracies_are_not(
    accuracy: float | None, chance: float | None, held_out: int
) -> None:
    assert near_chance(accuracy, chance, held_out) == ()
