"""A job gets one unit map, one picture and one status per image, as its parameters asked."""

import io

import pytest
import torch
from PIL import Image
from torch import nn
from torch.testing import assert_close

from service.core.catalogue.attribution_map import AttributionMapParams, Style
from service.core.catalogue.measurement import Attribution, Channel, Target
from tests.workers.torchkit.small_networks import (
    PLAIN,
    SIDE,
    convolutional,
    reader_of,
    some_images,
)
from workers.contract import silent
from workers.methods import attribution_map
from workers.methods.attribution_map import ImageStatus, Inputs, Result


def result_of(params: AttributionMapParams, network: nn.Module | None = None) -> Result:
    model = reader_of(network or convolutional())
    return attribution_map.run(Inputs(model, PLAIN, some_images(3), (4, 7, 9)), params, silent)


@pytest.mark.parametrize("attribution", Attribution)
def test_every_attribution_of_the_card_runs(attribution: Attribution) -> None:
    result = result_of(AttributionMapParams(attribution=attribution))

    assert result.indices == (4, 7, 9)
    assert result.maps.shape == (3, 1, SIDE, SIDE)
    assert result.statuses == (ImageStatus.VALID,) * 3


@pytest.mark.parametrize("style", Style)
def test_every_image_gets_a_png(style: Style) -> None:
    result = result_of(AttributionMapParams(style=style))

    sizes = {Image.open(io.BytesIO(picture)).size for picture in result.pictures}
    assert len(result.pictures) == 3
    assert sizes == {(264, 264)}


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


def test_the_numerics_that_were_used_are_told() -> None:
    numerics = result_of(AttributionMapParams()).numerics

    assert numerics["arithmetic"] == "float32"
    assert numerics["batch_size"] == 3
