"""Episodes: small classification problems, drawn from labeled images."""

from dataclasses import dataclass

import torch
from jaxtyping import Int64
from torch import Tensor

_AT_ONCE = 50


@dataclass(frozen=True)
class Episodes:
    """Images of episodes by index; no image is both support and query of an episode."""

    classes: Int64[Tensor, "episode way"]
    support: Int64[Tensor, "episode way shot"]
    queries: Int64[Tensor, "episode way query"]

    @property
    def truth(self) -> Int64[Tensor, " answer"]:
        """Position of each query's class in its episode, the same in all episodes."""
        ways, each = self.queries.shape[1:]
        return torch.arange(ways).repeat_interleave(each)

    def parts(self, size: int) -> "list[Episodes]":
        """The same episodes in parts of at most ``size``."""
        pieces = (
            tensor.split(size)  # type: ignore[no-untyped-call]
            for tensor in (self.classes, self.support, self.queries)
        )
        return [Episodes(*piece) for piece in zip(*pieces, strict=True)]


@dataclass(frozen=True)
class EpisodeSize:
    """N-way K-shot: classes, support images of each, queries of each."""

    ways: int
    shots: int
    queries: int

    @property
    def name(self) -> str:
        """Such as ``5w1s``."""
        return f"{self.ways}w{self.shots}s"

    @property
    def images_per_class(self) -> int:
        """The images that a class needs."""
        return self.shots + self.queries


def draw_episodes(
    labels: Int64[Tensor, " image"],
    size: EpisodeSize,
    *,
    count: int,
    generator: torch.Generator,
) -> Episodes:
    """``count`` episodes; classes and images of an episode are drawn without repetition.

    Args:
        labels: From 0 without gaps, each with at least ``size.images_per_class`` images.
    """
    by_class = _ImagesByClass(labels)
    drawn = []
    for start in range(0, count, _AT_ONCE):
        keys = torch.rand(min(_AT_ONCE, count - start), len(by_class.counts), generator=generator)
        classes = keys.argsort(dim=1)[:, : size.ways]
        images = by_class.draw(classes, size.images_per_class, generator)
        drawn.append((classes, images))
    classes, images = (torch.cat(parts) for parts in zip(*drawn, strict=True))
    return Episodes(classes, images[..., : size.shots], images[..., size.shots :])


class _ImagesByClass:
    """Indices of the images of each label, padded with 0, and their number."""

    def __init__(self, labels: Int64[Tensor, " image"]) -> None:
        self.counts: Int64[Tensor, " label"] = labels.bincount()
        self._table = torch.zeros(len(self.counts), int(self.counts.max()), dtype=torch.int64)
        for label, count in enumerate(self.counts.tolist()):
            self._table[label, :count] = (labels == label).nonzero().squeeze(1)

    def draw(
        self, classes: Int64[Tensor, "episode way"], number: int, generator: torch.Generator
    ) -> Int64[Tensor, "episode way image"]:
        """``number`` different images of every class, in random order."""
        longest = self._table.shape[1]
        keys = torch.rand(*classes.shape, longest, generator=generator)
        padding = torch.arange(longest) >= self.counts[classes].unsqueeze(-1)
        order = keys.masked_fill(padding, 2.0).argsort(dim=-1)[..., :number]
        return self._table[classes].gather(-1, order)
