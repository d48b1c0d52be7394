"""The demo's images: scanned digits and patches of two photographs, as RGB frames of 32 × 32."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from sklearn.datasets import load_digits, load_sample_images
from torch import Tensor
from torch.nn import functional

SIDE = 32
TARGET_DIGITS = (5, 6, 7, 8, 9)
LABELED_PER_DIGIT = 20
EXAM_PER_DIGIT = 20
PROBES = 160
PATCHES_PER_PHOTO = 400
SPLIT_SEED = 7


@dataclass(frozen=True)
class Pictures:
    """Frames (n, 3, 32, 32) in [0, 1] and what each shows."""

    frames: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def at(self, places: Tensor) -> "Pictures":
        """The pictures at these places."""
        return Pictures(self.frames[places], self.labels[places])


@dataclass(frozen=True)
class Digits:
    """The scanned digits, cut into parts that share no image.

    ``lessons`` is what networks of the zoo learn from. ``labeled`` and ``tests`` hold digits 5 to
    9 alone: what the user has, and what truth is measured on. ``probes`` are any digits, and so is
    ``exam``, which judges students.
    """

    lessons: Pictures
    labeled: Pictures
    tests: Pictures
    probes: Pictures
    exam: Pictures


@cache
def digits() -> Digits:
    """The 1 797 digits of 8 × 8 gray pixels, enlarged and split."""
    scanned = load_digits()
    gray = torch.from_numpy(scanned.images.astype(np.float32) / 16)[:, None]
    large = functional.interpolate(gray, (SIDE, SIDE), mode="bilinear").expand(-1, 3, -1, -1)
    everything = Pictures(large.contiguous(), torch.from_numpy(scanned.target.astype(np.int64)))
    order = torch.randperm(len(everything), generator=torch.Generator().manual_seed(SPLIT_SEED))
    half = len(everything) // 2
    ours, theirs = everything.at(order[:half]), everything.at(order[half:])
    return Digits(ours, *_target_parts(theirs))


def _target_parts(rest: Pictures) -> tuple[Pictures, Pictures, Pictures, Pictures]:
    """Labeled images, tests, probes and exam out of what no network of the zoo has seen."""
    probes, rest = rest.at(torch.arange(PROBES)), rest.at(torch.arange(PROBES, len(rest)))
    places = [(rest.labels == digit).nonzero().squeeze(1) for digit in range(10)]
    exam = torch.cat([found[-EXAM_PER_DIGIT:] for found in places])
    target = [places[digit][:-EXAM_PER_DIGIT] for digit in TARGET_DIGITS]
    labeled = torch.cat([found[:LABELED_PER_DIGIT] for found in target])
    tests = torch.cat([found[LABELED_PER_DIGIT:] for found in target])
    return rest.at(labeled), rest.at(tests), probes, rest.at(exam)


def smaller(pictures: Pictures) -> Pictures:
    """The same at half the side: still twice the scans' own, and quick to learn from."""
    size = (SIDE // 2, SIDE // 2)
    frames = functional.interpolate(pictures.frames, size, mode="bilinear", antialias=True)
    return Pictures(frames, pictures.labels)


@cache
def patches() -> Pictures:
    """Squares cut at random from a photo of a temple (label 0) and of a flower (label 1)."""
    generator = torch.Generator().manual_seed(SPLIT_SEED)
    frames, labels = [], []
    for label, photo in enumerate(load_sample_images().images):
        pixels = torch.from_numpy(photo.astype(np.float32) / 255).permute(2, 0, 1)
        half = functional.interpolate(pixels[None], scale_factor=0.5, mode="area")[0]
        frames += [_patch(half, generator) for _ in range(PATCHES_PER_PHOTO)]
        labels += [label] * PATCHES_PER_PHOTO
    return Pictures(torch.stack(frames), torch.tensor(labels))


def _patch(pixels: Tensor, generator: torch.Generator) -> Tensor:
    """One square of the image at a random place."""
    _, height, width = pixels.shape
    top = int(torch.randint(height - SIDE, (1,), generator=generator))
    left = int(torch.randint(width - SIDE, (1,), generator=generator))
    return pixels[:, top : top + SIDE, left : left + SIDE]
