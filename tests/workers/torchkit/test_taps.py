"""Layers to compare are found by what they give, and what cannot be compared is refused."""

import pytest
from torch import nn

from workers.programs import Program, ProgramLayer
from workers.programs.exporting import export_network
from workers.torchkit.training.taps import last_of_every_size, maps_of, named_layers, named_maps
from workers.torchkit.training.teachers import NotTeachableError


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """Two convolutions of one size, one of another, the mean over places, an answer."""
    network = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 5, 3, padding=1), nn.Conv2d(5, 6, 3, stride=2),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 2),
    ).eval()  # fmt: skip
    return export_network(network, (3, 8, 8), tmp_path_factory.mktemp("net") / "net.pt2")


@pytest.fixture(scope="module")
def flat(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """A network without rows and columns inside."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(192, 2)).eval()
    return export_network(network, (3, 8, 8), tmp_path_factory.mktemp("flat") / "flat.pt2")


def test_maps_have_rows_and_columns_and_more_than_one_place(program: Program) -> None:
    assert [layer.name for layer in maps_of(program)] == ["0", "1", "2"]


def test_of_every_size_the_last_counts_even_where_a_size_comes_again() -> None:
    layers = [
        ProgramLayer(name, "conv", (1, side, side))
        for name, side in zip("abc", (4, 2, 4), strict=True)
    ]

    assert [layer.name for layer in last_of_every_size(layers)] == ["b", "c"]


def test_a_network_without_maps_is_refused(flat: Program) -> None:
    with pytest.raises(NotTeachableError, match="no layer with channels"):
        maps_of(flat)


def test_named_layers_are_given_in_that_order_and_unknown_ones_refused(program: Program) -> None:
    assert [layer.name for layer in named_layers(program, ["5", "0"])] == ["5", "0"]
    with pytest.raises(NotTeachableError, match="no layer 'nowhere'"):
        named_layers(program, ["nowhere"])
    with pytest.raises(NotTeachableError, match="layer '5' has no channels"):
        named_maps(program, ["0", "5"])
