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
EVALUATION_PER_DIGIT = 20
PROBES = 160
PATCHES_PER_PHOTO = 400
SPLIT_SEED = 7


@dataclass(frozen=True)
class Pictures:
    """Frames (n, 3, 32, 32) in [0, 1] and their labels (n,)."""

    frames: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def at(self, indices: Tensor) -> "Pictures":
        """The pictures at these indices."""
        return Pictures(self.frames[indices], self.labels[indices])


@dataclass(frozen=True)
class Digits:
    """The scanned digits, in disjoint parts.

    ``lessons`` trains the networks of the zoo. ``labeled`` and ``tests`` contain only digits 5 to
    9: the user's data, and the data of the true transfer accuracy. ``probes`` and ``evaluation``, which
    evaluates students, contain all digits.
    """

    lessons: Pictures
    labeled: Pictures
    tests: Pictures
    probes: Pictures
    evaluation: Pictures


@cache
def digits() -> Digits:
    """The 1 797 digits of 8 × 8 gray pixels, enlarged and split."""
    scanned = load_digits()
    gray = torch.from_numpy(scanned.images.astype(np.float32) / 16)[:, None]
    large = functional.interpolate(gray, (SIDE, SIDE), mode="bilinear").expand(-1, 3, -1, -1)
    all_digits = Pictures(large.contiguous(), torch.from_numpy(scanned.target.astype(np.int64)))
    order = torch.randperm(len(all_digits), generator=torch.Generator().manual_seed(SPLIT_SEED))
    half = len(all_digits) // 2
    zoo_half, target_half = all_digits.at(order[:half]), all_digits.at(order[half:])
    return Digits(zoo_half, *_target_parts(target_half))


def _target_parts(rest: Pictures) -> tuple[Pictures, Pictures, Pictures, Pictures]:
    """Labeled images, tests, probes and evaluation images from images that no network of the zoo learns."""
    probes, rest = rest.at(torch.arange(PROBES)), rest.at(torch.arange(PROBES, len(rest)))
    indices_by_digit = [(rest.labels == digit).nonzero().squeeze(1) for digit in range(10)]
    evaluation = torch.cat([indices[-EVALUATION_PER_DIGIT:] for indices in indices_by_digit])
    target = [indices_by_digit[digit][:-EVALUATION_PER_DIGIT] for digit in TARGET_DIGITS]
    labeled = torch.cat([indices[:LABELED_PER_DIGIT] for indices in target])
    tests = torch.cat([indices[LABELED_PER_DIGIT:] for indices in target])
    return rest.at(labeled), rest.at(tests), probes, rest.at(evaluation)


def smaller(pictures: Pictures) -> Pictures:
    """The pictures at half the side: still twice that of the scans, and faster to learn."""
    size = (SIDE // 2, SIDE // 2)
    frames = functional.interpolate(pictures.frames, size, mode="bilinear", antialias=True)
    return Pictures(frames, pictures.labels)


@cache
def patches() -> Pictures:
    """Random squares from photos of a temple (label 0) and of a flower (label 1)."""
    generator = torch.Generator().manual_seed(SPLIT_SEED)
    frames, labels = [], []
    for label, photo in enumerate(load_sample_images().images):
        pixels = torch.from_numpy(photo.astype(np.float32) / 255).permute(2, 0, 1)
        half = functional.interpolate(pixels[None], scale_factor=0.5, mode="area")[0]
        frames += [_patch(half, generator) for _ in range(PATCHES_PER_PHOTO)]
        labels += [label] * PATCHES_PER_PHOTO
    return Pictures(torch.stack(frames), torch.tensor(labels))


def _patch(pixels: Tensor, generator: torch.Generator) -> Tensor:
    """One square of the image at a random position."""
    _, height, width = pixels.shape
    top = int(torch.randint(height - SIDE, (1,), generator=generator))
    left = int(torch.randint(width - SIDE, (1,), generator=generator))
    return pixels[:, top : top + SIDE, left : left + SIDE]
