"""A picture painted in tiles is the picture painted whole."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from service.core.manifest import StylizerHead, StylizerNetwork
from workers.torchkit.stylization.networks import Conditions, ContentPath
from workers.torchkit.stylization.painting import Painter, stroke_noise, varying_noise

WHOLE = 4096


def a_path(network: StylizerNetwork = StylizerNetwork.DIN) -> ContentPath:
    """A content path with random weights, so large that its pictures have contrast."""
    torch.manual_seed(0)
    path = ContentPath(StylizerHead(network=network, width=4)).double().eval()
    for name, weight in path.named_parameters():
        weight.data.mul_(3 if "weight" in name else 1)
    return path


def a_picture(height: int, width: int) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    noise = torch.rand(1, 3, height, width, generator=generator, dtype=torch.double)
    return noise * torch.linspace(0.2, 1, width, dtype=torch.double)


def conditions(path: ContentPath, height: int, width: int, reach: float) -> Conditions:
    """Two styles with shares that change over the picture, and noise."""
    generator = torch.Generator().manual_seed(2)
    neutral = torch.cat([shape.neutral() for shape in path.shapes]).double()
    styles = [
        (neutral + 0.3 * torch.randn(len(neutral), generator=generator, dtype=torch.double))[None]
        for _ in range(2)
    ]
    ramp = torch.linspace(0, 1, width, dtype=torch.double).expand(1, 1, height, width)
    noise = stroke_noise(height, width, reach=reach, seed=3).double()
    return Conditions(styles, shares=[ramp, 1 - ramp], reach=reach, noise=noise)


def levels(picture: Tensor) -> Tensor:
    return (picture * 255).round()


@pytest.mark.parametrize("network", [StylizerNetwork.DIN, StylizerNetwork.DYN_ONLY])
@pytest.mark.parametrize("reach", [1.0, 1.5, 3.0])
def test_tiles_equal_the_whole_to_the_last_gray_level(
    network: StylizerNetwork, reach: float
) -> None:
    height, width = 141, 203
    path, picture = a_path(network), a_picture(height, width)
    condition = conditions(path, height, width, reach)

    whole = Painter(path, tile=WHOLE).paint(picture, condition)
    tiled = Painter(path, tile=64).paint(picture, condition)

    assert whole.shape == picture.shape
    assert float(levels(whole).std()) > 2
    assert torch.equal(levels(tiled), levels(whole))


def a_stroke_map(height: int, width: int) -> Tensor:
    """Strokes from 0.5 at the left to 4 at the right, with a step in the middle."""
    ramp = torch.linspace(0.5, 3, width, dtype=torch.double)
    return (ramp + (ramp > 1.7)).expand(1, 1, height, width)


def test_tiles_equal_the_whole_where_strokes_vary() -> None:
    height, width = 141, 203
    path, picture = a_path(), a_picture(height, width)
    sizes = a_stroke_map(height, width)
    condition = replace(
        conditions(path, height, width, 1.0), reach=sizes, noise=varying_noise(sizes, seed=3)
    )

    whole = Painter(path, tile=WHOLE).paint(picture, condition)
    tiled = Painter(path, tile=64).paint(picture, condition)

    assert torch.equal(levels(tiled), levels(whole))
    assert not torch.equal(
        levels(whole), levels(Painter(path).paint(picture, replace(condition, reach=1.0)))
    )


@pytest.mark.parametrize("reach", [1.0, 1.5, 2.0, 3.0])
def test_a_constant_stroke_map_is_the_stroke(reach: float) -> None:
    path, picture = a_path(), a_picture(40, 56)
    condition = replace(conditions(path, 40, 56, reach), noise=None)
    constant = torch.full((1, 1, 40, 56), reach, dtype=torch.double)

    mapped = Painter(path).paint(picture, replace(condition, reach=constant))

    torch.testing.assert_close(mapped, Painter(path).paint(picture, condition), rtol=0, atol=1e-5)


def test_noise_is_smoother_where_the_map_has_wide_strokes() -> None:
    sizes = torch.ones(1, 1, 256, 512)
    sizes[..., 256:] = 3

    noise = varying_noise(sizes, seed=0)

    def roughness(part: Tensor) -> float:
        return float((part[..., 1:] - part[..., :-1]).abs().mean() / part.std())

    assert torch.equal(noise[..., :64], stroke_noise(256, 512, reach=1.0, seed=0)[..., :64])
    assert roughness(noise[..., 64:]) < 0.6 * roughness(noise[..., :64])


def test_in_single_precision_at_most_rounding_differs() -> None:
    path, picture = a_path().float(), a_picture(141, 203).float()
    condition = conditions(a_path(), 141, 203, 1.0)
    condition = replace(
        condition,
        styles=[style.float() for style in condition.styles],
        shares=[share.float() for share in condition.shares],
        noise=condition.noise.float() if condition.noise is not None else None,
    )

    difference = levels(Painter(path, tile=64).paint(picture, condition)) - levels(
        Painter(path, tile=WHOLE).paint(picture, condition)
    )

    assert float(difference.abs().max()) <= 1
    assert float((difference != 0).float().mean()) < 1e-3


def test_a_whole_picture_is_what_the_network_paints() -> None:
    path, picture = a_path(), a_picture(64, 48)
    style = conditions(path, 64, 48, 1.0).styles[:1]

    painted = Painter(path).paint(picture, Conditions(style))

    torch.testing.assert_close(painted, path(picture, Conditions(style)), rtol=1e-9, atol=1e-9)


def test_tiles_with_statistics_of_their_own_would_differ() -> None:
    """The check above can fail: a tile alone is normalized by itself."""
    path, picture = a_path(), a_picture(128, 128)
    style = conditions(path, 128, 128, 1.0).styles[:1]

    whole = Painter(path).paint(picture, Conditions(style))
    alone = Painter(path).paint(picture[..., :64, :64], Conditions(style))

    assert float((levels(alone) - levels(whole[..., :64, :64])).abs().max()) > 1


def test_one_share_of_one_is_the_style_alone() -> None:
    path, picture = a_path(), a_picture(40, 40)
    both = conditions(path, 40, 40, 1.0)
    full, empty = torch.ones(1, 1, 40, 40).double(), torch.zeros(1, 1, 40, 40).double()

    mixed = Painter(path).paint(picture, replace(both, shares=[full, empty], noise=None))
    alone = Painter(path).paint(picture, Conditions(both.styles[:1]))

    torch.testing.assert_close(mixed, alone)


def test_without_noise_every_bit_is_that_of_the_network_without_it() -> None:
    path, picture = a_path(), a_picture(40, 40)
    style = conditions(path, 40, 40, 1.0).styles[:1]
    changed = a_path()
    changed.grain.data.mul_(7)

    assert torch.equal(
        Painter(path).paint(picture, Conditions(style)),
        Painter(changed).paint(picture, Conditions(style)),
    )


@pytest.mark.parametrize(("height", "width"), [(8, 8), (9, 11), (8, 200)])
def test_small_and_odd_sides_keep_their_size(height: int, width: int) -> None:
    path = a_path()
    style = conditions(path, height, width, 4.0)

    painted = Painter(path).paint(a_picture(height, width), style)

    assert painted.shape == (1, 3, height, width)
    assert bool(painted.isfinite().all())


def test_one_color_stays_finite() -> None:
    path = a_path()
    style = conditions(path, 32, 32, 1.0).styles[:1]

    painted = Painter(path).paint(torch.full((1, 3, 32, 32), 0.5).double(), Conditions(style))

    assert bool(painted.isfinite().all())
    assert float(painted.std(dim=(2, 3)).max()) < 0.2


def test_wide_strokes_make_smooth_noise_of_the_same_deviation() -> None:
    fine, wide = (stroke_noise(256, 256, reach=reach, seed=0) for reach in (1.0, 4.0))

    assert float(wide.std()) == pytest.approx(float(fine.std()), abs=0.1)
    assert float((wide[..., 1:] - wide[..., :-1]).abs().mean()) < 0.5 * float(
        (fine[..., 1:] - fine[..., :-1]).abs().mean()
    )
