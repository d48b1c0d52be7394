"""The sources of the student's images: generators, and a pool of earlier images."""

from collections.abc import Callable, MutableMapping

import torch
from torch import Tensor, nn

from workers.torchkit.training.generators import ImageGenerator, channels_last
from workers.torchkit.training.task import noise

Source = Callable[[], Tensor]
_IMAGES, _COUNT = "pool", "pool_count"


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
    """

    def __init__(
        self,
        network: ImageGenerator,
        average: ImageGenerator | None,
        pool: Pool | None,
        *,
        batch: int,
        generator: torch.Generator,
    ) -> None:
        self._network, self._average, self._pool = network, average, pool
        self._batch, self._generator = batch, generator

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
        return channels_last(self._pool.drawn(self._batch, self._generator).to(device))

    def _first(self) -> Tensor:
        images = self.drawn(self._network)
        if self._pool is not None:
            self._pool.put(images)
        return images
