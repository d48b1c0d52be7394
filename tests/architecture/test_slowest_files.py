"""The order of the suite names files that exist, each once."""

from pathlib import Path

from tests.slowest_files import SLOWEST_FIRST

TESTS = Path(__file__).parents[1]


def test_every_file_of_the_order_exists_and_is_named_once():
    assert [name for name in SLOWEST_FIRST if not (TESTS / name).is_file()] == []
    assert len(set(SLOWEST_FIRST)) == len(SLOWEST_FIRST)
