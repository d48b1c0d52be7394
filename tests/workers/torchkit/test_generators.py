"""Generators draw images of any input space, the same from the same noise, and change nothing."""

import pytest
import torch

from service.core.manifest import InputSpec
from workers.torchkit.training.generators import (
    ImageGenerator,
    LargeGenerator,
    SmallGenerator,
    image_generator,
    middle_of,
)

GRAY = InputSpec(channels=1, height=8, width=8, mean=(0.3,), std=(0.4,))


def made(spec: InputSpec, *, seed: int = 0, width: int = 4) -> ImageGenerator:
    drawn = torch.Generator().manual_seed(seed)
    return image_generator(spec, noise_units=6, width=width, generator=drawn)


def noise(count: int = 16) -> torch.Tensor:
    return torch.randn(count, 6, generator=torch.Generator().manual_seed(9))


@pytest.mark.parametrize(("height", "width"), [(8, 8), (10, 13), (28, 28), (65, 70), (96, 64)])
@pytest.mark.parametrize("channels", [1, 3])
def test_images_fill_the_input_whatever_its_size(height: int, width: int, channels: int) -> None:
    network = made(InputSpec(channels=channels, height=height, width=width), width=2)

    assert network(noise(8)).shape == (8, channels, height, width)


def test_beyond_64_pixels_the_larger_build_is_taken() -> None:
    assert isinstance(made(InputSpec(height=64, width=64), width=1), SmallGenerator)
    assert isinstance(made(InputSpec(height=64, width=66), width=1), LargeGenerator)


def test_weights_come_from_the_generator_alone() -> None:
    first, same, other = made(GRAY), made(GRAY), made(GRAY, seed=1)

    torch.testing.assert_close(first.state_dict(), same.state_dict(), rtol=0, atol=0)
    assert not torch.equal(first.linear.weight, other.linear.weight)


def test_drawing_moves_nothing_and_is_the_same_in_both_modes() -> None:
    network = made(GRAY)
    before = {name: value.clone() for name, value in network.state_dict().items()}

    training = network.train()(noise())
    evaluation = network.eval()(noise())

    torch.testing.assert_close(training, evaluation, rtol=0, atol=0)
    torch.testing.assert_close(network.state_dict(), before, rtol=0, atol=0)


def test_small_images_have_the_statistics_of_a_normalized_set() -> None:
    images = made(GRAY)(noise())

    torch.testing.assert_close(images.mean(), torch.tensor(0.0), atol=1e-5, rtol=0)
    torch.testing.assert_close(images.var(correction=0), torch.tensor(1.0), atol=1e-2, rtol=0)


def test_where_nothing_normalizes_the_images_lie_around_the_middle_of_the_range() -> None:
    images = made(InputSpec(channels=1, height=8, width=8, range=(0.0, 8.0)))(noise())

    torch.testing.assert_close(images.mean(), torch.tensor(4.0), atol=1e-4, rtol=0)
    torch.testing.assert_close(images.std(correction=0), torch.tensor(2.0), atol=2e-2, rtol=0)


def test_large_images_stay_between_black_and_white() -> None:
    spec = InputSpec(height=80, width=80, mean=(0.5,), std=(0.25,))
    network = made(spec, width=2)
    with torch.no_grad():
        network.body[-2].weight.mul_(1e4)  # type: ignore[operator]

    images = network(noise(8))

    torch.testing.assert_close(images.amin(), torch.tensor(-2.0))
    torch.testing.assert_close(images.amax(), torch.tensor(2.0))


def test_every_weight_gets_a_gradient_through_the_crop() -> None:
    network = made(InputSpec(channels=1, height=10, width=10, mean=(0.3,), std=(0.4,)))

    weighed = network(noise()).square() * torch.linspace(0, 1, 10)
    torch.autograd.backward(weighed.sum())

    assert all(weight.grad is not None for weight in network.parameters())


def test_the_middle_is_cut_from_the_middle() -> None:
    images = torch.arange(36.0).view(1, 1, 6, 6)

    torch.testing.assert_close(middle_of(images, (2, 4)), images[..., 2:4, 1:5])
