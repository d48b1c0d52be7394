"""A number and its noun agree."""

import pytest

from service.core.counts import counted


@pytest.mark.parametrize(
    ("number", "noun", "text"),
    [
        (1, "image", "1 image"),
        (0, "image", "0 images"),
        (2, "support image", "2 support images"),
        (1, "class", "1 class"),
        (3, "class", "3 classes"),
        (2, "query", "2 queries"),
        (2, "key", "2 keys"),
        (2, "batch", "2 batches"),
    ],
)
def test_a_noun_is_singular_for_one_thing_alone(number: int, noun: str, text: str):
    assert counted(number, noun) == text
