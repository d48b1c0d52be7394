"""What the images of a set look like in numbers, to tell one world of images from another.

Axes: ``image``, ``side`` of the canonical frame, ``feature`` one number about an image.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64, UInt8
from numpy import ndarray

_MOST_IMAGES = 512
_WHITE, _DARK, _BRIGHT = 255.0, 0.1, 0.9
_EDGE = 0.1


@dataclass(frozen=True)
class Appearance:
    """Mean and deviation of every feature over the images."""

    means: tuple[float, ...]
    deviations: tuple[float, ...]


def appearance_of(canonical: Path) -> Appearance:
    """The appearance of at most 512 evenly chosen frames of a canonical file."""
    frames = np.load(canonical, mmap_mode="r")
    chosen = np.unique(np.linspace(0, len(frames) - 1, _MOST_IMAGES).round().astype(np.int64))
    rows = np.stack([features_of(np.asarray(frames[index])) for index in chosen])
    return Appearance(tuple(rows.mean(axis=0).tolist()), tuple(rows.std(axis=0).tolist()))


def features_of(frame: UInt8[ndarray, "side side 3"]) -> Float64[ndarray, " feature"]:
    """Ten numbers about one image, each between 0 and 1.

    Brightness, contrast, dark and bright shares, colorfulness, mean red minus blue and green minus
    the others (both shifted to the middle), edges across rows and columns, and sharpness.
    """
    pixels = frame.astype(np.float64) / _WHITE
    gray = pixels.mean(axis=2)
    across, down = np.abs(np.diff(gray, axis=1)), np.abs(np.diff(gray, axis=0))
    red, green, blue = pixels.mean(axis=(0, 1))
    return np.array(
        [
            gray.mean(),
            min(1.0, 2 * gray.std()),
            (gray < _DARK).mean(),
            (gray > _BRIGHT).mean(),
            (pixels.max(axis=2) - pixels.min(axis=2)).mean(),
            0.5 + (red - blue) / 2,
            0.5 + (green - (red + blue) / 2) / 2,
            (across > _EDGE).mean(),
            (down > _EDGE).mean(),
            min(1.0, (across.mean() + down.mean()) / (2 * gray.std() + 1e-6)),
        ]
    )
