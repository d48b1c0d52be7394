"""A watched training draws its numbers as they come."""

from service.cli.watching import sparkline


def test_the_lowest_value_is_the_lowest_bar_and_the_highest_the_highest():
    assert sparkline([0.0, 0.5, 1.0]) == "▁▅█"


def test_equal_values_lie_low():
    assert sparkline([3.0, 3.0]) == "▁▁"
