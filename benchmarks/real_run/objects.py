"""Do heat maps fall on objects? Measured where every pixel has a label: street scenes and digits.

The figure is a density ratio: share of a map's absolute mass on the objects over their share of
the area. 1 is what a map gets that does not look at the picture at all.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.real_networks import image_sets

# Poles, signs, cars, pedestrians, bicyclists; the rest is sky, ground, walls, trees and fences.
_THINGS = (2, 6, 8, 9, 10)
_VOID = 11
Mask = NDArray[np.bool_]
Maps = NDArray[np.float32]


def things_in_streets(data: Path, side: int) -> tuple[list[Mask], list[Mask]]:
    """Where things stand, and which pixels have a label, on the canonical square."""
    truths = [_square(truth, side) for _, truth in image_sets.camvid(data)]
    return [np.isin(truth, _THINGS) for truth in truths], [truth != _VOID for truth in truths]


def ink(frames: list[NDArray[np.uint8]]) -> tuple[list[Mask], list[Mask]]:
    """Where a digit's strokes are, on frames (side, side)."""
    return [frame > 127 for frame in frames], [np.ones(frame.shape, bool) for frame in frames]


def density_ratio(maps: Maps, objects: list[Mask], labeled: list[Mask]) -> float:
    """Mean over images with objects of (mass share on objects) / (area share of objects)."""
    ratios = []
    for plane, where, visible in zip(np.abs(maps), objects, labeled, strict=True):
        mass, area = plane[visible].sum(), (where & visible).sum() / visible.sum()
        if mass > 0 and area > 0:
            ratios.append((plane[where & visible].sum() / mass) / area)
    return float(np.mean(ratios)) if ratios else float("nan")


def _square(truth: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """The center square, resized without mixing classes."""
    height, width = truth.shape
    size = min(height, width)
    top, left = (height - size) // 2, (width - size) // 2
    image = Image.fromarray(truth[top : top + size, left : left + size])
    return np.asarray(image.resize((side, side), Image.Resampling.NEAREST))
