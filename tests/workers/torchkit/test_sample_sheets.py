"""Generated images are shown as a person would see them, undone from a network's input space."""

import io

import pytest
import torch
from PIL import Image

from service.core.manifest import ChannelOrder, InputSpec
from workers.torchkit.drawing.sample_sheets import sample_sheet


def opened(file: bytes) -> Image.Image:
    return Image.open(io.BytesIO(file)).convert("RGB")


def test_a_blue_green_red_network_is_shown_in_red_green_blue() -> None:
    spec = InputSpec(height=64, width=64, mean=(0.5,), std=(0.5,), channel_order=ChannelOrder.BGR)
    images = torch.full((1, 3, 64, 64), -1.0)
    images[:, 2] = 1.0

    assert opened(sample_sheet(images, spec)).getpixel((30, 30)) == (255, 0, 0)


@pytest.mark.parametrize(("count", "tiles"), [(1, 1), (5, 3), (64, 8), (200, 8)])
def test_at_most_64_images_stand_in_rows(count: int, tiles: int) -> None:
    spec = InputSpec(channels=1, height=8, width=8)

    picture = opened(sample_sheet(torch.zeros(count, 1, 8, 8), spec))

    assert picture.width == tiles * (64 + 4)


def test_places_without_an_image_are_white_and_pixels_beyond_the_range_are_cut() -> None:
    spec = InputSpec(channels=1, height=64, width=64)

    picture = opened(sample_sheet(torch.full((5, 1, 64, 64), -7.0), spec))

    assert picture.getpixel((30, 30)) == (0, 0, 0)
    assert picture.getpixel((picture.width - 30, picture.height - 30)) == (255, 255, 255)
