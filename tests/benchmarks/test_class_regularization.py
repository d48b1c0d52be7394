"""Paired differences have a direction, and no novel object is learned."""

import numpy as np
import pytest

from benchmarks import class_regularization
from benchmarks.few_shot import objects
from benchmarks.real_networks.image_sets import LabeledImages

MEASURED = {"differences": [{"row": "b", "minus": "a", "mean": 0.02, "half_width": 0.005}]}


def test_a_difference_is_that_of_the_first_row_minus_the_second() -> None:
    forwards = class_regularization._difference(MEASURED, "b", "a")
    backwards = class_regularization._difference(MEASURED, "a", "b")

    assert forwards == pytest.approx((2.0, 1.5))
    assert backwards == pytest.approx((-2.0, -2.5))
    with pytest.raises(LookupError):
        class_regularization._difference(MEASURED, "a", "c")


def test_a_split_sets_four_classes_of_every_source_aside() -> None:
    names = [f"{source}/{number}" for source in objects._SOURCES for number in range(10)]

    novel = objects._novel_of(names, 0)

    assert [name.partition("/")[0] for name in novel] == [
        source for source in objects._SOURCES for _ in range(4)
    ]
    assert len(set(novel)) == 12
    assert novel == objects._novel_of(names, 0) != objects._novel_of(names, 1)


def test_gray_objects_are_padded_with_black_in_three_channels() -> None:
    white = np.full((28, 28), 255, np.uint8)
    images = LabeledImages((white, white, white), (0, 1, 0), ("a", "b"))

    own = objects._first_of(images, 0)

    assert own.shape == (2, 32, 32, 3)
    assert own[:, 2:30, 2:30].min() == 255
    assert own[:, :2].max() == own[:, :, 30:].max() == 0
