"""Labels of several teachers find their places; one network's images are seen by another."""

import pytest
import torch

from service.core.manifest import InputSpec, TaskKind
from workers.programs import Program
from workers.torchkit.attribution.canonical import Preprocessing, to_network_input
from workers.torchkit.training.teachers import (
    Head,
    NotTeachableError,
    Teacher,
    to_input_space,
)

CLASSES = (("a", "b", "c"), ("c", "d"), ("b", "e"))


def teachers() -> list[Teacher]:
    """Three that share labels; nobody asks for their programs."""
    spec = InputSpec(height=8, width=8)
    kind, unread = TaskKind.CLASSIFICATION, Program.__new__(Program)
    return [
        Teacher(str(index), str(index), unread, spec, kind, classes)
        for index, classes in enumerate(CLASSES)
    ]


def test_all_labels_stand_once_and_those_known_twice_have_two_columns() -> None:
    head = Head.of(teachers())

    assert head.labels == ("a", "b", "c", "d", "e")
    taught = [column.label for column in head.columns]
    assert {label for label in taught if taught.count(label) == 2} == {1, 2}
    assert [column.column for column in head.columns_for(2)] == [0, 1]


@pytest.mark.parametrize("wanted", [("a", "z"), ("a", "a")])
def test_labels_unknown_or_twice_are_refused(wanted: tuple[str, ...]) -> None:
    with pytest.raises(NotTeachableError):
        Head.of(teachers(), wanted)


@pytest.mark.parametrize(
    "other",
    [
        InputSpec(height=8, width=8, mean=(0.1, 0.2, 0.3), std=(0.5, 0.6, 0.7)),
        InputSpec(height=8, width=8, channel_order="BGR", range=(0.0, 255.0)),
        InputSpec(channels=1, height=8, width=8, mean=(0.5,), std=(0.25,)),
    ],
    ids=["normalized", "blue first", "grey"],
)
def test_images_for_another_network_are_in_its_input_space(other: InputSpec) -> None:
    own = InputSpec(height=8, width=8, mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4))
    frames = torch.randint(0, 256, (3, 8, 8, 3), dtype=torch.uint8)
    images = to_network_input(frames, Preprocessing.of(own)).requires_grad_()

    converted = to_input_space(images, own, other)

    expected = to_network_input(frames, Preprocessing.of(other))
    torch.testing.assert_close(converted, expected, rtol=1e-4, atol=1e-4)
    torch.autograd.backward(converted.sum())
    assert images.grad is not None
    assert bool((images.grad != 0).all())
