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
class LabeledPictures:
    """Canonical frames (image, side, side, 3) in bytes and what is true of them.

    Attributes:
        truth: (image,) index of the label, (image, label) 0 or 1, or (image, row, column) index
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
        """The same for an evaluator."""
        return EvaluationSet(self.frames, self.truth, self.labels)

    @property
    def spec(self) -> InputSpec:
        """One gray channel of this side, by mean and deviation of these pictures."""
        mean, std = color_statistics(self.frames)
        side = self.frames.shape[1]
        return InputSpec(channels=1, height=side, width=side, mean=mean[:1], std=std[:1])

    def at(self, positions: Tensor) -> "LabeledPictures":
        """The pictures at these positions."""
        return LabeledPictures(
            self.frames[positions], self.truth[positions], self.labels, self.task
        )

    def first(self, count: int, *, seed: int = 0) -> "LabeledPictures":
        """So many of them, drawn by the seed."""
        generator = torch.Generator().manual_seed(seed)
        return self.at(torch.randperm(len(self), generator=generator)[:count])

    def only(self, labels: Sequence[str]) -> "LabeledPictures":
        """These labels alone: pictures of others leave, or, of several labels, their columns."""
        indices = torch.tensor([self.labels.index(label) for label in labels])
        if self.task is TaskKind.MULTI_LABEL:
            return LabeledPictures(self.frames, self.truth[:, indices], tuple(labels), self.task)
        chosen = torch.isin(self.truth, indices)
        new = torch.full((len(self.labels),), -1)
        new[indices] = torch.arange(len(indices))
        return LabeledPictures(
            self.frames[chosen], new[self.truth[chosen]], tuple(labels), self.task
        )

    def turned(self) -> "LabeledPictures":
        """Turned by a right angle, and dark for light."""
        frames = 255 - torch.rot90(self.frames, 1, (1, 2)).contiguous()
        return LabeledPictures(frames, self.truth, self.labels, self.task)

    def padded(self, margin: int) -> "LabeledPictures":
        """With a dark margin, inside which a shift loses no ink; truth is of whole pictures."""
        frames = functional.pad(self.frames, (0, 0, *(margin,) * 4))
        return LabeledPictures(frames, self.truth, self.labels, self.task)

    def __add__(self, other: "LabeledPictures") -> "LabeledPictures":
        """Both, of the same labels."""
        frames = torch.cat([self.frames, other.frames])
        return LabeledPictures(
            frames, torch.cat([self.truth, other.truth]), self.labels, self.task
        )


@dataclass(frozen=True)
class Split:
    """What may be learned from, and what judges."""

    train: LabeledPictures
    test: LabeledPictures


def names(numbers: Sequence[int]) -> tuple[str, ...]:
    """Labels of digits: ``names(range(5))`` is ("0", …, "4")."""
    return tuple(str(number) for number in numbers)


@cache
def digits() -> Split:
    """1297 and 500 scanned digits of 8 × 8 pixels, every digit's share the same in both."""
    scanned = load_digits()
    gray = np.round(scanned.images * (255 / 16)).astype(np.uint8)
    positions = np.arange(len(gray))
    parts = train_test_split(
        positions, test_size=TESTED, stratify=scanned.target, random_state=_SPLIT_SEED
    )
    everything = _in_color(torch.from_numpy(gray))
    truth = torch.from_numpy(scanned.target.astype(np.int64))
    train, test = (torch.from_numpy(np.sort(part)) for part in parts)
    whole = LabeledPictures(everything, truth, names(range(10)))
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


def _parts(split: Split, train: int, test: int) -> tuple[tuple[LabeledPictures, int, int], ...]:
    return (split.train, train, 1), (split.test, test, 2)


def _canvases(source: LabeledPictures, count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Gray canvases, and (image, 4) the digit in every quarter, -1 where it is empty."""
    generator = torch.Generator().manual_seed(seed)
    positions = torch.randint(len(source), (count, 4), generator=generator)
    there = torch.rand(count, 4, generator=generator) < 0.5
    sure = torch.randint(4, (count,), generator=generator)
    there[torch.arange(count), sure] |= ~there.any(dim=1)
    cells = source.frames[positions][..., 0] * there[..., None, None]
    rows = cells.view(count, 2, 2, _SIDE, _SIDE).permute(0, 1, 3, 2, 4)
    return rows.reshape(count, 2 * _SIDE, 2 * _SIDE), torch.where(
        there, source.truth[positions], -1
    )


def _occurring(gray: Tensor, cells: Tensor) -> LabeledPictures:
    truth = (cells[..., None] == torch.arange(10)).any(dim=1).long()
    return LabeledPictures(_in_color(gray), truth, names(range(10)), TaskKind.MULTI_LABEL)


def _inked(gray: Tensor, cells: Tensor) -> LabeledPictures:
    kinds = torch.where(cells < 0, 0, 1 + (cells >= 5).long()).view(-1, 2, 2)
    wide = kinds.repeat_interleave(_SIDE, 1).repeat_interleave(_SIDE, 2)
    truth = torch.where(gray >= _INK, wide, 0)
    return LabeledPictures(_in_color(gray), truth, (BACKGROUND, LOW, HIGH), TaskKind.SEGMENTATION)


def _in_color(gray: Tensor) -> Tensor:
    return gray[..., None].expand(-1, -1, -1, 3).contiguous()
