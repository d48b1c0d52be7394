"""Pictures with truth: scikit-learn's digits, and canvases that are put together from them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor
from torch.nn import functional

from service.core.manifest import InputSpec, TaskKind
from workers.torchkit.training.evaluator import EvaluationSet
from workers.torchkit.training.steps import color_statistics

TESTED = 500
_SIDE = 8
_SPLIT_SEED = 0
_INK = 64
BACKGROUND, LOW, HIGH = "background", "ink of 0-4", "ink of 5-9"


@dataclass(frozen=True)
class Pictures:
    """Canonical frames (image, side, side, 3) in bytes and what is true of them.

    Attributes:
        truth: (image,) place of the label, (image, label) 0 or 1, or (image, row, column) place
            of every pixel's label; all in ``labels``.
    """

    frames: Tensor
    truth: Tensor
    labels: tuple[str, ...]
    task: TaskKind = TaskKind.CLASSIFICATION

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def evaluation_set(self) -> EvaluationSet:
        """The same for a judge."""
        return EvaluationSet(self.frames, self.truth, self.labels)

    @property
    def spec(self) -> InputSpec:
        """One grey channel of this side, by mean and deviation of these pictures."""
        mean, std = color_statistics(self.frames)
        side = self.frames.shape[1]
        return InputSpec(channels=1, height=side, width=side, mean=mean[:1], std=std[:1])

    def at(self, places: Tensor) -> "Pictures":
        """The pictures at these places."""
        return Pictures(self.frames[places], self.truth[places], self.labels, self.task)

    def first(self, count: int, *, seed: int = 0) -> "Pictures":
        """So many of them, drawn by the seed."""
        generator = torch.Generator().manual_seed(seed)
        return self.at(torch.randperm(len(self), generator=generator)[:count])

    def only(self, labels: Sequence[str]) -> "Pictures":
        """These labels alone: pictures of others leave, or, of several labels, their columns."""
        places = torch.tensor([self.labels.index(one) for one in labels])
        if self.task is TaskKind.MULTI_LABEL:
            return Pictures(self.frames, self.truth[:, places], tuple(labels), self.task)
        kept = torch.isin(self.truth, places)
        new = torch.full((len(self.labels),), -1)
        new[places] = torch.arange(len(places))
        return Pictures(self.frames[kept], new[self.truth[kept]], tuple(labels), self.task)

    def turned(self) -> "Pictures":
        """Turned by a right angle, and dark for light."""
        frames = 255 - torch.rot90(self.frames, 1, (1, 2)).contiguous()
        return Pictures(frames, self.truth, self.labels, self.task)

    def padded(self, margin: int) -> "Pictures":
        """With a dark margin, inside which a shift loses no ink; truth is of whole pictures."""
        frames = functional.pad(self.frames, (0, 0, *(margin,) * 4))
        return Pictures(frames, self.truth, self.labels, self.task)

    def __add__(self, other: "Pictures") -> "Pictures":
        """Both, of the same labels."""
        frames = torch.cat([self.frames, other.frames])
        return Pictures(frames, torch.cat([self.truth, other.truth]), self.labels, self.task)


@dataclass(frozen=True)
class Split:
    """What may be learned from, and what judges."""

    train: Pictures
    test: Pictures


def names(numbers: Sequence[int]) -> tuple[str, ...]:
    """Labels of digits: ``names(range(5))`` is ("0", …, "4")."""
    return tuple(str(one) for one in numbers)


@cache
def digits() -> Split:
    """1297 and 500 scanned digits of 8 × 8 pixels, every digit's share the same in both."""
    scanned = load_digits()
    grey = np.round(scanned.images * (255 / 16)).astype(np.uint8)
    places = np.arange(len(grey))
    parts = train_test_split(
        places, test_size=TESTED, stratify=scanned.target, random_state=_SPLIT_SEED
    )
    everything = _in_colour(torch.from_numpy(grey))
    truth = torch.from_numpy(scanned.target.astype(np.int64))
    train, test = (torch.from_numpy(np.sort(one)) for one in parts)
    whole = Pictures(everything, truth, names(range(10)))
    return Split(whole.at(train), whole.at(test))


@cache
def several(train: int = 4000, test: int = 800) -> Split:
    """Canvases of 16 × 16: each quarter holds a digit or nothing; truth is which digits occur."""
    made = [_canvases(part, count, seed) for part, count, seed in _parts(digits(), train, test)]
    return Split(*(_occurring(frames, cells) for frames, cells in made))


@cache
def masked(train: int = 2000, test: int = 400) -> Split:
    """Canvases of 16 × 16: truth is background, ink of 0 to 4, or ink of 5 to 9 for every pixel."""
    made = [_canvases(part, count, seed) for part, count, seed in _parts(digits(), train, test)]
    return Split(*(_inked(frames, cells) for frames, cells in made))


def _parts(split: Split, train: int, test: int) -> tuple[tuple[Pictures, int, int], ...]:
    return (split.train, train, 1), (split.test, test, 2)


def _canvases(source: Pictures, count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Grey canvases, and (image, 4) the digit in every quarter, -1 where it is empty."""
    generator = torch.Generator().manual_seed(seed)
    places = torch.randint(len(source), (count, 4), generator=generator)
    there = torch.rand(count, 4, generator=generator) < 0.5
    sure = torch.randint(4, (count,), generator=generator)
    there[torch.arange(count), sure] |= ~there.any(dim=1)
    cells = source.frames[places][..., 0] * there[..., None, None]
    rows = cells.view(count, 2, 2, _SIDE, _SIDE).permute(0, 1, 3, 2, 4)
    return rows.reshape(count, 2 * _SIDE, 2 * _SIDE), torch.where(there, source.truth[places], -1)


def _occurring(grey: Tensor, cells: Tensor) -> Pictures:
    truth = (cells[..., None] == torch.arange(10)).any(dim=1).long()
    return Pictures(_in_colour(grey), truth, names(range(10)), TaskKind.MULTI_LABEL)


def _inked(grey: Tensor, cells: Tensor) -> Pictures:
    kinds = torch.where(cells < 0, 0, 1 + (cells >= 5).long()).view(-1, 2, 2)
    wide = kinds.repeat_interleave(_SIDE, 1).repeat_interleave(_SIDE, 2)
    truth = torch.where(grey >= _INK, wide, 0)
    return Pictures(_in_colour(grey), truth, (BACKGROUND, LOW, HIGH), TaskKind.SEGMENTATION)


def _in_colour(grey: Tensor) -> Tensor:
    return grey[..., None].expand(-1, -1, -1, 3).contiguous()
