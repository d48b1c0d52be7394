"""The student's batches come in turn from the generator, its slow copy and a pool of earlier images."""

import torch
from torch import nn

from service.core.manifest import InputSpec
from tests.methods.oracles import adversarial_distillation as oracle
from workers.methods.adversarial_distillation.sources import (
    Pool,
    Sources,
    cropped_and_flipped,
    follow,
)
from workers.torchkit.training.generators import ImageGenerator, image_generator

SPEC = InputSpec(channels=1, height=8, width=8, mean=(0.5,), std=(0.25,))


def network(seed: int) -> ImageGenerator:
    drawn = torch.Generator().manual_seed(seed)
    return image_generator(SPEC, noise_units=3, width=4, generator=drawn)


def test_a_turn_draws_from_the_generator_then_its_copy_then_the_pool() -> None:
    pool = Pool({}, 16, (1, 8, 8))
    made, slow = network(0), network(1)
    sources = Sources(made, slow, pool, batch=8, generator=torch.Generator().manual_seed(5))

    first, second, third = [draw().detach() for draw in sources.of_step()]

    again = torch.Generator().manual_seed(5)
    noise = [torch.randn(8, 3, generator=again) for _ in range(2)]
    torch.testing.assert_close(first, made(noise[0]).detach())
    torch.testing.assert_close(second, slow(noise[1]).detach())
    torch.testing.assert_close(pool.newest(8), first)
    assert all(any(torch.equal(image, other) for other in first) for image in third)


def test_without_copy_and_pool_every_batch_is_new() -> None:
    sources = Sources(network(0), None, None, batch=8, generator=torch.Generator())

    (draw,) = sources.of_step()

    assert not torch.equal(draw(), draw())


def test_a_slow_copy_follows_as_its_twin_does() -> None:
    slow, fast = nn.Linear(3, 1, bias=False), nn.Linear(3, 1, bias=False)
    before = slow.weight[0].tolist()

    follow(slow, fast, decay=0.9)

    twin = oracle.follow(before, fast.weight[0].tolist(), 0.9)
    torch.testing.assert_close(slow.weight[0], torch.tensor(twin))


def test_a_full_pool_forgets_its_oldest_images() -> None:
    pool = Pool({}, 4, (1, 1, 1))
    for start in (0.0, 3.0):
        pool.put(torch.arange(start, start + 3).view(3, 1, 1, 1))

    newest = pool.newest(10).flatten()
    drawn_images = pool.drawn(100, torch.Generator().manual_seed(0))

    assert newest.tolist() == [2, 3, 4, 5]
    assert set(drawn_images.flatten().tolist()) == {2, 3, 4, 5}


def test_a_pool_that_is_not_full_gives_only_what_was_put_in() -> None:
    pool = Pool({}, 8, (1, 1, 1))
    pool.put(torch.full((2, 1, 1, 1), 7.0))

    assert pool.newest(5).flatten().tolist() == [7, 7]
    assert set(pool.drawn(20, torch.Generator()).flatten().tolist()) == {7}


def test_a_changed_image_is_a_window_of_the_mirrored_one_and_half_of_them_are_flipped() -> None:
    image = torch.arange(64.0).view(1, 1, 8, 8)

    changed = cropped_and_flipped(image.repeat(400, 1, 1, 1), torch.Generator().manual_seed(0))

    framed = torch.nn.functional.pad(image, (1, 1, 1, 1), mode="reflect")[0, 0]
    windows = [
        framed[row : row + 8, column : column + 8] for row in range(3) for column in range(3)
    ]
    numbers = [
        next(
            number
            for number, window in enumerate([*windows, *(window.flip(1) for window in windows)])
            if torch.equal(window, window_of[0])
        )
        for window_of in changed
    ]
    assert set(numbers) == set(range(18))
    assert 150 < sum(number >= 9 for number in numbers) < 250


def test_images_of_the_pool_are_changed_only_on_request() -> None:
    pool = Pool({}, 4, (1, 8, 8))
    pool.put(torch.randn(4, 1, 8, 8, generator=torch.Generator().manual_seed(1)))

    def drawn(*, crop_and_flip: bool) -> torch.Tensor:
        generator = torch.Generator().manual_seed(2)
        sources = Sources(
            network(0), None, pool, batch=4, generator=generator, crop_and_flip=crop_and_flip
        )
        return sources.pooled()

    plain = pool.drawn(4, torch.Generator().manual_seed(2))
    torch.testing.assert_close(drawn(crop_and_flip=False), plain)
    assert not torch.equal(drawn(crop_and_flip=True), plain)
