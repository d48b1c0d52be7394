"""Pictures show what the numbers say: colors by sign and size, the map on its place."""

import io

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch.testing import assert_close

from service.core.catalog.attribution_map import Style
from workers.torchkit.drawing.rendering import (
    absolute_heat_map,
    cover,
    draw,
    drawn_side,
    enlarged,
    overlay,
    png,
    signed_heat_map,
    smoothed,
    strongest,
)

GRAY = torch.full((64, 64, 3), 128, dtype=torch.uint8)


def spot(value: float = 1.0, side: int = 64) -> torch.Tensor:
    plane = torch.zeros(side, side)
    plane[8:24, 32:48] = value
    return plane


def opened(data: bytes) -> np.ndarray:
    return np.array(Image.open(io.BytesIO(data)))


def test_a_png_holds_the_picture_it_was_made_of() -> None:
    picture = torch.randint(0, 256, (9, 7, 3), generator=torch.Generator().manual_seed(0)).to(
        torch.uint8
    )

    assert_close(torch.from_numpy(opened(png(picture))), picture)


def test_signed_maps_are_red_for_positive_blue_for_negative_and_white_at_zero() -> None:
    positive, negative = signed_heat_map(spot(), 64), signed_heat_map(spot(-1.0), 64)

    red, _, blue = positive[64, 160].tolist()
    assert red > 2 * blue
    red, _, blue = negative[64, 160].tolist()
    assert blue > 2 * red
    assert min(positive[200, 20].tolist()) > 240


def test_absolute_maps_ignore_the_sign_and_are_dark_where_nothing_is() -> None:
    assert_close(absolute_heat_map(spot(), 64), absolute_heat_map(spot(-1.0), 64))
    drawn = absolute_heat_map(spot(), 64).float().mean(dim=-1)
    assert drawn[64, 160] > 150
    assert drawn[200, 20] < 20


def test_an_overlay_is_colored_on_the_spot_and_the_image_elsewhere() -> None:
    drawn = overlay(spot(), GRAY).float()

    assert (drawn[64, 160] - 128).abs().max() > 60
    assert_close(drawn[220, 20], torch.full((3,), 128.0), atol=2, rtol=0)


@pytest.mark.parametrize("style", Style)
def test_an_empty_map_is_drawn_without_complaint(style: Style) -> None:
    drawn = draw(torch.zeros(64, 64), GRAY, style)

    assert drawn.shape == (256, 256, 3)


@pytest.mark.parametrize("style", Style)
def test_nan_is_drawn_as_zero(style: Style) -> None:
    plane = spot()
    plane[0, 0] = torch.nan

    assert_close(draw(plane, GRAY, style), draw(spot(), GRAY, style))


def test_one_bright_pixel_does_not_darken_the_rest() -> None:
    plane = torch.full((100, 100), 0.5)
    plane[3, 3] = 1000.0

    assert strongest(plane) == pytest.approx(0.5)


def test_the_scale_of_a_map_does_not_show() -> None:
    plane = torch.randn(64, 64, generator=torch.Generator().manual_seed(3))

    assert_close(signed_heat_map(plane, 64), signed_heat_map(plane * 1024, 64))


@settings(max_examples=50)
@given(side=st.integers(4, 1024))
def test_pictures_are_whole_multiples_and_at_least_256_wide(side: int) -> None:
    drawn = drawn_side(side)

    assert drawn >= 256
    assert drawn % side == 0
    assert drawn < 512 or drawn == side


def test_tiny_images_keep_their_pixels_when_enlarged() -> None:
    image = torch.tensor([[[0] * 3, [255] * 3], [[255] * 3, [0] * 3]], dtype=torch.uint8)

    large = enlarged(image)

    assert set(large.unique().tolist()) == {0, 255}


def test_a_map_of_another_grid_than_the_image_is_laid_over_it() -> None:
    assert overlay(spot(side=64), torch.zeros(32, 32, 3, dtype=torch.uint8)).shape == (256, 256, 3)


def test_smoothing_keeps_a_flat_plane_flat_and_spreads_a_point() -> None:
    assert_close(smoothed(torch.full((20, 30), 0.7), 2.0), torch.full((20, 30), 0.7))
    point = torch.zeros(31, 31)
    point[15, 15] = 1.0

    spread = smoothed(point, 2.0)

    assert_close(spread.sum(), torch.tensor(1.0))
    assert 0 < spread[15, 18] < spread[15, 16] < spread[15, 15] < 1


def test_opacity_follows_the_strength_from_nothing_to_nearly_everything() -> None:
    strength = torch.linspace(0, 1, 101)[None]

    opacity = cover(strength)[0]

    assert opacity[0] == 0
    assert opacity[-1] >= 0.9
    assert bool((opacity.diff() > 0).all())


def test_an_overlay_hides_more_of_the_image_where_the_map_is_stronger() -> None:
    ramp = torch.linspace(0, 1, 64).expand(64, 64).contiguous()
    black, white = (torch.full((64, 64, 3), level, dtype=torch.uint8) for level in (0, 255))

    # What differs between two overlays is what lets the image through.
    through = (overlay(ramp, white).float() - overlay(ramp, black).float()).mean(dim=(0, 2))

    assert bool((through.diff() <= 0.5).all())
    assert through[0] > 225
    assert through[-1] < 30


@pytest.mark.parametrize("style", Style)
def test_on_a_shared_scale_a_weaker_map_looks_weaker(style: Style) -> None:
    weak = 0.1 * spot()

    own, shared = draw(weak, GRAY, style), draw(weak, GRAY, style, scale=1.0)

    assert_close(own, draw(spot(), GRAY, style), atol=1, rtol=0)
    assert not torch.equal(shared, own)
