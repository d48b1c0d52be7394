"""Every equation equals its slow twin, and gives the golden numbers of the paper's layer."""

import math

import pytest
import torch
from torch import Tensor

from workers.methods.dynamic_instance_normalization.maths import (
    content_loss,
    flat_energy,
    identity_loss,
    patch_distance,
    style_loss,
)
from workers.torchkit.stylization.maths import (
    adaptive_instance_normalization,
    depthwise,
    deviation,
    grouped_pointwise,
    map_statistics,
    mirrored,
    normalized,
    pooled,
)

CLOSE = {"rtol": 1e-6, "atol": 1e-6}


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.double)


def reflected(index: int, size: int) -> int:
    """The position that a mirror at both ends shows."""
    while not 0 <= index < size:
        index = -index if index < 0 else 2 * (size - 1) - index
    return index


def slow_value(maps: Tensor, row: float, column: float) -> float:
    """Bilinear value of one channel between its positions."""
    low_row, low_column = math.floor(row), math.floor(column)
    height, width = maps.shape
    return sum(
        float(maps[reflected(low_row + down, height), reflected(low_column + right, width)])
        * (1 - abs(row - low_row - down))
        * (1 - abs(column - low_column - right))
        for down in (0, 1)
        for right in (0, 1)
    )


def slow_depthwise(maps: Tensor, kernels: Tensor, reach: float) -> Tensor:
    result = torch.zeros_like(maps)
    for image, channel in torch.cartesian_prod(*map(torch.arange, maps.shape[:2])).tolist():
        for row, column in torch.cartesian_prod(*map(torch.arange, maps.shape[2:])).tolist():
            result[image, channel, row, column] = sum(
                float(kernels[image, channel, 3 * down + right])
                * slow_value(
                    maps[image, channel], row + (down - 1) * reach, column + (right - 1) * reach
                )
                for down in range(3)
                for right in range(3)
            )
    return result


def test_the_golden_numbers_of_the_layer() -> None:
    maps = torch.tensor([[[[1.0, 3.0], [5.0, 7.0]]]], dtype=torch.double)
    kernel = torch.zeros(1, 1, 9, dtype=torch.double)
    kernel[0, 0, 4], kernel[0, 0, 5] = 1.0, 0.5

    plain = normalized(maps, map_statistics(maps))
    layer = depthwise(plain, kernel) + 0.25

    torch.testing.assert_close(
        plain[0, 0],
        torch.tensor([[-1.341639, -0.447213], [0.447213, 1.341639]], dtype=torch.double), **CLOSE,
    )  # fmt: skip
    torch.testing.assert_close(
        layer[0, 0],
        torch.tensor([[-1.315246, -0.868033], [1.368033, 1.815246]], dtype=torch.double), **CLOSE,
    )  # fmt: skip


@pytest.mark.parametrize("reach", [1.0, 1.5, 2.0, 2.75])
def test_the_depthwise_convolution_equals_its_slow_twin(reach: float) -> None:
    maps, kernels = draw(2, 3, 6, 5), draw(2, 3, 9, seed=1)

    torch.testing.assert_close(
        depthwise(maps, kernels, reach=reach), slow_depthwise(maps, kernels, reach), **CLOSE
    )


def test_a_reach_of_two_is_a_dilation_of_two() -> None:
    maps, kernels = draw(1, 2, 8, 8), draw(1, 2, 9, seed=1)
    padded = torch.nn.functional.pad(maps, (2,) * 4, mode="reflect")
    dilated = torch.nn.functional.conv2d(padded, kernels.reshape(2, 1, 3, 3), groups=2, dilation=2)

    torch.testing.assert_close(depthwise(maps, kernels, reach=2.0), dilated, **CLOSE)


def test_one_tap_scales_every_channel() -> None:
    maps, kernels = draw(2, 3, 4, 5), draw(2, 3, 1, seed=1)

    torch.testing.assert_close(depthwise(maps, kernels), maps * kernels[..., None], **CLOSE)


def test_the_grouped_product_equals_its_slow_twin() -> None:
    maps, mixing = draw(2, 6, 3, 4), draw(2, 6, 2, seed=1)

    result = grouped_pointwise(maps, mixing)

    for image in range(2):
        for channel in range(6):
            first = 2 * (channel // 2)
            slow = sum(mixing[image, channel, j] * maps[image, first + j] for j in range(2))
            torch.testing.assert_close(result[image, channel], slow, **CLOSE)


def test_adain_is_the_layer_with_the_styles_deviations_as_kernel_and_means_as_bias() -> None:
    maps, style = draw(2, 3, 4, 5), 2 * draw(2, 3, 7, 6, seed=1) + 1
    target = map_statistics(style)

    layer = depthwise(
        normalized(maps, map_statistics(maps)), deviation(target.variance).flatten(2)
    )
    layer = layer + target.mean

    assert float((layer - adaptive_instance_normalization(maps, style)).abs().max()) == 0.0


def test_normalized_maps_stay_finite_in_one_color_and_at_one_position() -> None:
    for maps in (torch.full((1, 2, 4, 4), 3.0), torch.ones(1, 2, 1, 1)):
        assert bool((normalized(maps, map_statistics(maps)).abs() < 1e-3).all())
        assert bool(pooled(maps).isfinite().all())


def test_pooled_is_mean_and_deviation_of_every_channel() -> None:
    maps = draw(2, 3, 4, 5)

    expected = [
        [float(channel.mean()) for channel in image]
        + [math.sqrt(float(channel.var(correction=0)) + 1e-5) for channel in image]
        for image in maps
    ]

    torch.testing.assert_close(pooled(maps), torch.tensor(expected, dtype=torch.double), **CLOSE)


def test_a_mirror_larger_than_the_maps_repeats() -> None:
    maps = draw(1, 1, 3, 2)

    result = mirrored(maps, 4)

    for row in range(11):
        for column in range(10):
            source = maps[0, 0, reflected(row - 4, 3), reflected(column - 4, 2)]
            assert float(result[0, 0, row, column]) == float(source)


def test_the_content_loss_is_zero_for_equal_statistics_free_maps() -> None:
    maps = draw(2, 3, 8, 8)

    assert float(content_loss(maps, 3 * maps + 2)) < 1e-8
    assert 1.5 < float(content_loss(maps, draw(2, 3, 8, 8, seed=1))) < 2.5


def test_the_style_loss_equals_its_slow_twin() -> None:
    painted, style = [draw(2, 3, 4, 4), draw(2, 2, 2, 2)], [draw(2, 3, 5, 5, seed=1), draw(2, 2, 3, 3, seed=2)]  # fmt: skip

    slow = 0.0
    for own, wanted in zip(painted, style, strict=True):
        total, count = 0.0, 0
        for image in range(own.shape[0]):
            for channel in range(own.shape[1]):
                ours, theirs = own[image, channel], wanted[image, channel]
                total += float(ours.mean() - theirs.mean()) ** 2
                total += (
                    float(
                        (ours.var(correction=0) + 1e-5).sqrt()
                        - (theirs.var(correction=0) + 1e-5).sqrt()
                    )
                    ** 2
                )
                count += 1
        slow += total / count

    assert float(style_loss(painted, style)) == pytest.approx(slow)


def test_the_identity_loss_is_the_mean_absolute_difference() -> None:
    first, second = draw(2, 3, 4, 4), draw(2, 3, 4, 4, seed=1)

    slow = sum(
        abs(a - b)
        for a, b in zip(first.flatten().tolist(), second.flatten().tolist(), strict=True)
    )

    assert float(identity_loss(first, second)) == pytest.approx(slow / first.numel())


def test_the_patch_distance_ignores_where_patches_are() -> None:
    picture = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))

    assert float(patch_distance(picture, picture)) == 0.0
    assert float(patch_distance(picture, picture * 0.5)) > 1.0


def test_flat_energy_counts_only_flat_positions() -> None:
    noise = torch.rand(1, 3, 20, 20, generator=torch.Generator().manual_seed(0))
    flat = torch.zeros(1, 1, 20, 20)
    flat[..., :10] = 1
    noise[..., :14] = 0.5

    assert float(flat_energy(noise, flat)) < 1e-6
    assert float(flat_energy(noise, 1 - flat)) > 0.01
