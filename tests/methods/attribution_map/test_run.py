"""A job gets one unit map, one picture and one status per image, as its parameters asked."""

import io

import pytest
import torch
from PIL import Image
from torch import nn
from torch.testing import assert_close

from service.core.catalog.attribution_map import AttributionMapParams, Style
from service.core.catalog.measurement import Attribution, Channel, Target
from service.core.errors import MethodError
from tests.workers.torchkit.small_networks import (
    PLAIN,
    SIDE,
    convolutional,
    reader_of,
    some_images,
)
from workers.methods import attribution_map
from workers.methods.attribution_map import (
    AttributionMapData,
    AttributionMapResult,
    ImageStatus,
    Subject,
)
from workers.methods.attribution_map.run import NetworkMaps
from workers.torchkit.protocols import silent


def drawn(params: AttributionMapParams, *networks: nn.Module) -> AttributionMapResult:
    subjects = (
        Subject(f"mdl_{index}", f"network {index}", reader_of(network), PLAIN)
        for index, network in enumerate(networks)
    )
    inputs = AttributionMapData(subjects, len(networks), some_images(3), (4, 7, 9))
    return attribution_map.run(inputs, params, silent)


def result_of(params: AttributionMapParams, network: nn.Module | None = None) -> NetworkMaps:
    (maps,) = drawn(params, network or convolutional()).networks
    return maps


@pytest.mark.parametrize("attribution", Attribution)
def test_every_attribution_of_the_card_runs(attribution: Attribution) -> None:
    result = result_of(AttributionMapParams(attribution=attribution))

    assert result.maps.shape == (3, 1, SIDE, SIDE)
    assert result.statuses == (ImageStatus.VALID,) * 3


@pytest.mark.parametrize("style", Style)
def test_every_image_gets_a_picture(style: Style) -> None:
    result = result_of(AttributionMapParams(style=style))

    assert [picture.shape for picture in result.pictures] == [(264, 264, 3)] * 3


def sheet_size(result: AttributionMapResult) -> tuple[int, int]:
    """Width and height of the sheet, in pixels."""
    return Image.open(io.BytesIO(result.sheet)).size


def test_several_networks_are_drawn_as_each_alone_and_share_one_sheet() -> None:
    first, second = convolutional(), convolutional()
    with torch.no_grad():
        second[0].weight.neg_()

    result = drawn(AttributionMapParams(), first, second)

    assert [network.model_id for network in result.networks] == ["mdl_0", "mdl_1"]
    for maps, network in zip(result.networks, (first, second), strict=True):
        assert_close(maps.maps, result_of(AttributionMapParams(), network).maps)
    size, smaller = sheet_size(result), sheet_size(drawn(AttributionMapParams(), first))
    assert size[0] == smaller[0]
    assert size[1] > smaller[1]


def test_progress_counts_the_images_of_all_networks() -> None:
    steps: list[tuple[int, int]] = []

    def note(step: int, total: int, message: str = "") -> None:
        del message
        steps.append((step, total))

    subjects = (Subject("mdl_0", "hen", reader_of(convolutional()), PLAIN) for _ in range(2))
    inputs = AttributionMapData(subjects, 2, some_images(3), (4, 7, 9))

    attribution_map.run(inputs, AttributionMapParams(), note)

    assert steps == [(3, 6), (6, 6)]


def test_a_failure_names_the_network() -> None:
    with pytest.raises(MethodError) as refused:
        drawn(AttributionMapParams(layer="none"), convolutional())

    assert refused.value.detail.startswith("network 0: ")


def test_kept_channels_come_as_three_planes_of_length_one_together() -> None:
    result = result_of(AttributionMapParams(channel=Channel.KEEP))

    assert result.maps.shape == (3, 3, SIDE, SIDE)
    assert_close(result.maps.flatten(1).norm(dim=1), torch.ones(3))


def test_a_dead_network_gives_empty_maps_and_says_so() -> None:
    network = convolutional()
    with torch.no_grad():
        network[6].weight.zero_()

    result = result_of(AttributionMapParams(target=Target.SUM), network)

    assert result.statuses == (ImageStatus.EMPTY,) * 3
    assert result.maps.abs().sum() == 0
    assert len(result.pictures) == 3


def test_the_layer_and_the_target_change_the_map() -> None:
    plain = result_of(AttributionMapParams())
    early = result_of(AttributionMapParams(layer="2"))
    summed = result_of(AttributionMapParams(target=Target.SUM))

    assert not torch.allclose(plain.maps, early.maps)
    assert not torch.allclose(plain.maps, summed.maps)


def test_the_numeric_policy_is_reported() -> None:
    numerics = result_of(AttributionMapParams()).numerics

    assert numerics["arithmetic"] == "float32"
    assert numerics["batch_size"] == 3
