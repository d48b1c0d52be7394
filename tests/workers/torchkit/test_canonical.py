"""A network sees the canonical frame as its manifest says, and its maps come back upright."""

import pytest
import torch
from torch.testing import assert_close

from service.core.catalog.measurement import Channel
from service.core.manifest import ChannelOrder, InputSpec
from tests.methods.oracles import attribution_map as oracle
from tests.workers.torchkit.small_networks import some_images
from workers.torchkit.attribution.canonical import (
    Preprocessing,
    Region,
    reduce_channels,
    to_canonical,
    to_canonical_grid,
    to_network_input,
    undo_channel_order,
)

ARRIVALS = [
    Preprocessing(3, 6, 6, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)),
    Preprocessing(3, 6, 6, range=(-1.0, 1.0)),
    Preprocessing(
        3,
        6,
        6,
        range=(0.0, 255.0),
        mean=(104.0, 117.0, 123.0),
        std=(1.0, 2.0, 3.0),
        channel_order=ChannelOrder.BGR,
    ),
    Preprocessing(1, 6, 6, range=(-1.0, 1.0), mean=(0.1,), std=(0.5,)),
]


@pytest.mark.parametrize("preprocessing", ARRIVALS)
def test_every_pixel_arrives_as_the_plain_formula_says(preprocessing: Preprocessing) -> None:
    images = some_images(2, side=6)

    arrived = to_network_input(images, preprocessing)

    expected = [
        [
            [
                oracle.network_input(
                    tuple(pixel),
                    low_high=preprocessing.range,
                    mean=preprocessing.mean,
                    std=preprocessing.std,
                    order=preprocessing.channel_order.value,
                )
                for pixel in row
            ]
            for row in image
        ]
        for image in images.tolist()
    ]
    assert_close(arrived, torch.tensor(expected).permute(0, 3, 1, 2), atol=1e-4, rtol=1e-5)


def test_a_manifest_and_its_preprocessing_say_the_same() -> None:
    spec = InputSpec(height=8, width=9, mean=(0.5,), std=(0.25,), channel_order=ChannelOrder.BGR)  # type: ignore[arg-type]

    taken = Preprocessing.of(spec)

    assert (taken.height, taken.width, taken.mean) == (8, 9, (0.5, 0.5, 0.5))
    assert taken.channel_order is ChannelOrder.BGR


def test_a_frame_of_one_color_stays_that_color_through_any_resize() -> None:
    images = torch.full((1, 20, 20, 3), 51, dtype=torch.uint8)

    arrived = to_network_input(images, Preprocessing(3, 7, 33))

    assert_close(arrived, torch.full((1, 3, 7, 33), 0.2))


def test_shrinking_averages_instead_of_skipping_pixels() -> None:
    checks = torch.zeros(1, 32, 32, 3, dtype=torch.uint8)
    checks[:, ::2, ::2] = checks[:, 1::2, 1::2] = 255

    small = to_network_input(checks, Preprocessing(3, 8, 8))

    assert_close(small[..., 1:-1, 1:-1], torch.full((1, 3, 6, 6), 0.5), atol=0.02, rtol=0)


def test_maps_of_a_bgr_network_come_back_in_rgb() -> None:
    maps = torch.tensor([1.0, 2.0, 3.0]).view(1, 3, 1, 1).expand(1, 3, 4, 4)

    upright = undo_channel_order(maps, Preprocessing(3, 4, 4, channel_order=ChannelOrder.BGR))

    assert upright[0, :, 0, 0].tolist() == [3.0, 2.0, 1.0]


def test_channels_are_averaged_signed_or_absolute_or_kept() -> None:
    maps = torch.tensor([3.0, -2.0, -1.0]).view(1, 3, 1, 1)

    assert reduce_channels(maps, Channel.MEAN).item() == 0.0
    assert reduce_channels(maps, Channel.ABSMEAN).item() == 2.0
    assert reduce_channels(maps, Channel.KEEP).flatten().tolist() == [3.0, -2.0, -1.0]


def test_a_gray_map_that_keeps_channels_is_spread_over_three() -> None:
    spread = reduce_channels(torch.full((2, 1, 4, 4), 3.0), Channel.KEEP)

    assert_close(spread, torch.ones(2, 3, 4, 4))


def test_channels_are_reduced_before_the_resize() -> None:
    maps = torch.tensor([[1.0, -1.0], [1.0, -1.0]]).view(1, 1, 2, 2)

    laid = to_canonical(
        maps, Preprocessing(1, 2, 2, mean=(0.0,), std=(1.0,)), channel=Channel.ABSMEAN, grid=8
    )

    assert_close(laid, torch.ones(1, 1, 8, 8))


def test_outside_the_cropped_region_a_map_is_zero() -> None:
    maps = torch.ones(1, 1, 7, 7)

    frame = to_canonical_grid(maps, 16, region=Region(1 / 16, 1 / 16, 15 / 16, 15 / 16))

    assert_close(frame[..., 1:-1, 1:-1], torch.ones(1, 1, 14, 14))
    assert float(frame.sum()) == pytest.approx(14 * 14)
