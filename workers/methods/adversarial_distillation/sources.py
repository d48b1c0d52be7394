"""Where the student's images come from: generators, and a pool of earlier images."""

from collections.abc import Callable, MutableMapping

import torch
from torch import Tensor, nn

from workers.torchkit.generators import ImageGenerator, channels_last
from workers.torchkit.outcomes import noise

Source = Callable[[], Tensor]
_IMAGES, _COUNT = "pool", "pool_count"


class Pool:
    """The last images that were put in; a full pool overwrites its oldest.

    Args:
        memory: Holds the images, so that they survive an interruption.
    """

    def __init__(
        self, memory: MutableMapping[str, Tensor], size: int, shape: tuple[int, ...]
    ) -> None:
        self._memory = memory
        memory[_IMAGES] = torch.zeros(size, *shape)
        memory[_COUNT] = torch.tensor(0)

    def put(self, images: Tensor) -> None:
        """Keep these images."""
        kept, count = self._memory[_IMAGES], int(self._memory[_COUNT])
        places = torch.arange(count, count + len(images)) % len(kept)
        kept[places] = images.detach().to(kept)
        self._memory[_COUNT] = torch.tensor(count + len(images))

    def __len__(self) -> int:
        return min(int(self._memory[_COUNT]), len(self._memory[_IMAGES]))

    def newest(self, count: int) -> Tensor:
        """The images put in last, at most so many, the oldest of them first."""
        end = int(self._memory[_COUNT])
        places = torch.arange(end - min(count, len(self)), end) % len(self._memory[_IMAGES])
        return self._memory[_IMAGES][places]

    def drawn(self, count: int, generator: torch.Generator) -> Tensor:
        """Images that are all equally likely, with repetition."""
        places = torch.randint(len(self), (count,), generator=generator)
        return self._memory[_IMAGES][places]


@torch.no_grad()
def follow(average: nn.Module, network: nn.Module, *, kept: float) -> None:
    """The average moves toward the network's weights and keeps this share of its own.

    Source: Do et al. 2022 (MAD), arXiv 2209.10359: a slow copy of the generator against
    forgetting.
    """
    for slow, fast in zip(average.parameters(), network.parameters(), strict=True):
        slow.lerp_(fast, 1 - kept)


class Sources:
    """What a student's batches are drawn from, in turn.

    Args:
        average: A slow copy of the generator; None where there is none.
        pool: Receives the first batch of every turn; None where there is none.
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

    def of_turn(self) -> list[Source]:
        """Drawing from the generator, then from its average and the pool where they are."""
        found: list[Source] = [self._first]
        if self._average is not None:
            average = self._average
            found.append(lambda: self.drawn(average))
        if self._pool is not None:
            found.append(self.pooled)
        return found

    def drawn(self, network: ImageGenerator) -> Tensor:
        """A batch of new noise; gradients flow to the network unless they are switched off."""
        device = next(network.parameters()).device
        images: Tensor = network(noise(self._batch, network.noise_units, self._generator, device))
        return images

    def pooled(self) -> Tensor:
        """A batch of earlier images."""
        assert self._pool is not None
        device = next(self._network.parameters()).device
        return channels_last(self._pool.drawn(self._batch, self._generator).to(device))

    def _first(self) -> Tensor:
        images = self.drawn(self._network)
        if self._pool is not None:
            self._pool.put(images)
        return images
