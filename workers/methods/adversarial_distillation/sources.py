"""The sources of the student's images: generators, and a pool of earlier images."""

from collections.abc import Callable, MutableMapping

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from workers.torchkit.training.generators import ImageGenerator, channels_last
from workers.torchkit.training.task import noise

Source = Callable[[], Tensor]
_IMAGES, _COUNT = "pool", "pool_count"
_MARGIN_SHARE = 8


class Pool:
    """A ring buffer of the latest images; a full pool overwrites its oldest.

    Args:
        memory: Stores the images, so that they survive an interruption.
    """

    def __init__(
        self, memory: MutableMapping[str, Tensor], size: int, shape: tuple[int, ...]
    ) -> None:
        self._memory = memory
        memory[_IMAGES] = torch.zeros(size, *shape)
        memory[_COUNT] = torch.tensor(0)

    def put(self, images: Tensor) -> None:
        """Adds these images."""
        pool, count = self._memory[_IMAGES], int(self._memory[_COUNT])
        indices = torch.arange(count, count + len(images)) % len(pool)
        pool[indices] = images.detach().to(pool)
        self._memory[_COUNT] = torch.tensor(count + len(images))

    def __len__(self) -> int:
        return min(int(self._memory[_COUNT]), len(self._memory[_IMAGES]))

    def newest(self, count: int) -> Tensor:
        """The latest images, at most ``count``, oldest first."""
        end = int(self._memory[_COUNT])
        indices = torch.arange(end - min(count, len(self)), end) % len(self._memory[_IMAGES])
        return self._memory[_IMAGES][indices]

    def drawn(self, count: int, generator: torch.Generator) -> Tensor:
        """Uniformly random images, with repetition."""
        indices = torch.randint(len(self), (count,), generator=generator)
        return self._memory[_IMAGES][indices]


def cropped_and_flipped(
    images: Float[Tensor, "image channel row column"], generator: torch.Generator
) -> Float[Tensor, "image channel row column"]:
    """Every image moved by up to an eighth of its sides and, in half of the cases, mirrored.

    Source: training of the student in the published code of FastDFKD, where a square of 32 pixels
    is cropped from one with a margin of 4. Departure: the margin mirrors the image and is not black.
    """
    height, width = images.shape[-2:]
    down, right = height // _MARGIN_SHARE, width // _MARGIN_SHARE
    framed = functional.pad(images, (right, right, down, down), mode="reflect")
    count = (len(images), 1)
    rows = torch.randint(2 * down + 1, count, generator=generator) + torch.arange(height)
    columns = torch.randint(2 * right + 1, count, generator=generator) + torch.arange(width)
    columns = torch.where(
        torch.randint(2, count, generator=generator) == 1, columns.flip(1), columns
    )
    rows, columns = rows[:, None, :, None], columns[:, None, None, :]
    channels = torch.arange(images.shape[1])[None, :, None, None]
    return framed[torch.arange(len(images))[:, None, None, None], channels, rows, columns]


@torch.no_grad()
def follow(average: nn.Module, network: nn.Module, *, decay: float) -> None:
    """Updates the average toward the network's weights, keeping ``decay`` of its own.

    Source: Do et al. 2022 (MAD), arXiv 2209.10359: a slow copy of the generator prevents
    forgetting.
    """
    for average_weight, weight in zip(average.parameters(), network.parameters(), strict=True):
        average_weight.lerp_(weight, 1 - decay)


class Sources:
    """The sources of a student's batches, used in turn.

    Args:
        average: A slow copy of the generator, or None.
        pool: Receives the first batch of every training step, or None.
        crop_and_flip: Whether images from the pool are changed before they are learned.
    """

    def __init__(
        self,
        network: ImageGenerator,
        average: ImageGenerator | None,
        pool: Pool | None,
        *,
        batch: int,
        generator: torch.Generator,
        crop_and_flip: bool = False,
    ) -> None:
        self._network, self._average, self._pool = network, average, pool
        self._batch, self._generator, self._crop_and_flip = batch, generator, crop_and_flip

    def of_step(self) -> list[Source]:
        """Sources of one training step: the generator, then its average and the pool if they exist."""
        sources: list[Source] = [self._first]
        if self._average is not None:
            average = self._average
            sources.append(lambda: self.drawn(average))
        if self._pool is not None:
            sources.append(self.pooled)
        return sources

    def drawn(self, network: ImageGenerator) -> Tensor:
        """A batch of images from new noise, differentiable in the network's weights."""
        device = next(network.parameters()).device
        images: Tensor = network(noise(self._batch, network.noise_units, self._generator, device))
        return images

    def pooled(self) -> Tensor:
        """A batch of earlier images from the pool."""
        assert self._pool is not None
        device = next(self._network.parameters()).device
        images = self._pool.drawn(self._batch, self._generator)
        if self._crop_and_flip:
            images = cropped_and_flipped(images, self._generator)
        return channels_last(images.to(device))

    def _first(self) -> Tensor:
        images = self.drawn(self._network)
        if self._pool is not None:
            self._pool.put(images)
        return images
