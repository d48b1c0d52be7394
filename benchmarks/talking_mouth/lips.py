"""Lips drawn from five articulatory parameters that follow the phonemes.

Phonemes that look alike share a shape: p, b and m; t, d, n and l; k, h and ng; j, q and x; zh, ch, sh and
r; z, c and s. Shapes step at phoneme times and are smoothed, which is how neighbors color each
other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.talking_mouth.speech import Phoneme

HEIGHT, WIDTH = 16, 24
_STEP_SECONDS = 0.01
_SMOOTHING_SECONDS = 0.032
_SOFTNESS = 9.0

# Width, opening, rounding, teeth and tongue, from 0 to 1.
_SHAPES: Mapping[str, tuple[float, float, float, float, float]] = {
    "rest": (0.50, 0.06, 0.20, 0.0, 0.0),
    "closed": (0.50, 0.00, 0.20, 0.0, 0.0),
    "bitten": (0.55, 0.12, 0.10, 0.9, 0.0),
    "tip": (0.55, 0.28, 0.10, 0.5, 0.9),
    "back": (0.50, 0.32, 0.10, 0.2, 0.1),
    "palate": (0.75, 0.18, 0.05, 0.8, 0.3),
    "curled": (0.40, 0.25, 0.60, 0.7, 0.3),
    "hiss": (0.70, 0.15, 0.00, 0.9, 0.4),
    "wide": (0.85, 0.28, 0.00, 0.6, 0.3),
    "half": (0.70, 0.50, 0.05, 0.4, 0.3),
    "open": (0.60, 1.00, 0.10, 0.3, 0.2),
    "middle": (0.55, 0.45, 0.20, 0.3, 0.2),
    "round": (0.35, 0.55, 0.80, 0.0, 0.0),
    "pursed": (0.20, 0.22, 1.00, 0.0, 0.0),
    "front": (0.25, 0.20, 0.90, 0.1, 0.2),
}
_LOOKS: Mapping[str, str] = {
    "closed": "p ph m",
    "bitten": "f",
    "tip": "t th n l",
    "back": "k kh X N",
    "palate": "tS; tS;h S; j",
    "curled": "ts. ts.h s. z. i.",
    "hiss": "ts tsh s i[",
    "wide": "i",
    "open": "a A",
    "middle": "@ @r",
    "round": "o o-",
    "pursed": "u w",
    "front": "y y;",
    "wide half": "iE",
    "wide open": "iA ia",
    "wide round": "iou",
    "front half": "yE y&",
    "open wide": "ai",
    "open round": "Au au",
    "half wide": "ei",
    "round pursed": "ou",
    "pursed round": "uo",
    "pursed middle": "u@",
    "pursed wide": "uei",
    "pursed open": "ua",
    "pursed back": "ong",
    "rest": "",
}
SHAPE_OF: Mapping[str, tuple[str, ...]] = {
    phoneme: tuple(shapes.split())
    for shapes, phonemes in _LOOKS.items()
    for phoneme in phonemes.split(" ")
}


@dataclass(frozen=True)
class Face:
    """How a speaker's lips look.

    Attributes:
        contrast: Of lips against skin.
        size: Relative to the crop.
        brightness: Of the skin.
        offset: Added to the parameters.
    """

    contrast: float
    size: float
    brightness: float
    offset: tuple[float, float, float, float, float]


def articulation(phonemes: Sequence[Phoneme], times: np.ndarray) -> np.ndarray:
    """The parameters at each time (frame, 5).

    Raises:
        KeyError: A phoneme has no shape.
    """
    end = max(float(times[-1]), phonemes[-1].seconds if phonemes else 0.0) + 0.3
    grid = np.arange(0, end, _STEP_SECONDS)
    steps = np.tile(np.array(_SHAPES["rest"]), (len(grid), 1))
    stops = [*(phoneme.seconds for phoneme in phonemes[1:]), end]
    for phoneme, stop in zip(phonemes, stops, strict=True):
        shapes = SHAPE_OF[phoneme.name]
        inside = (grid >= phoneme.seconds) & (grid < stop)
        share = (grid[inside] - phoneme.seconds) / max(stop - phoneme.seconds, _STEP_SECONDS)
        part = np.minimum((share * len(shapes)).astype(int), len(shapes) - 1)
        steps[inside] = np.array([_SHAPES[shape] for shape in shapes])[part]
    smooth = smoothed(steps, _SMOOTHING_SECONDS / _STEP_SECONDS)
    return np.stack([np.interp(times, grid, column) for column in smooth.T], axis=1)


def smoothed(values: np.ndarray, width: float) -> np.ndarray:
    """Columns after a Gaussian of the given deviation in rows; the ends repeat."""
    reach = int(np.ceil(3 * width))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
    padded = np.pad(values, ((reach, reach), (0, 0)), mode="edge")
    columns = [np.convolve(column, kernel / kernel.sum(), mode="valid") for column in padded.T]
    return np.stack(columns, axis=1)


def drawn_lips(parameters: np.ndarray, shifts: np.ndarray, face: Face) -> np.ndarray:
    """Gray values from 0 to 1 (frame, row, column).

    Args:
        shifts: Offset of the lips in pixels, right and down (frame, 2).
    """
    width, opening, rounding, teeth, tongue = (
        (parameters + np.array(face.offset)).clip(0, 1).T[:, :, None, None]
    )
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    right = (columns[None] - (WIDTH - 1) / 2 - shifts[:, :1, None]) / (WIDTH / 2) / face.size
    down = (rows[None] - (HEIGHT - 1) / 2 - shifts[:, 1:, None]) / (HEIGHT / 2) / face.size
    half_width, half_height = 0.35 + 0.45 * width - 0.15 * rounding, 0.5 * opening
    thickness = 0.16 + 0.10 * rounding
    lips = _inside(right, down, half_width + thickness, half_height + 1.5 * thickness)
    hole = _inside(right, down, half_width, half_height + 0.01) * (opening > 0.01)
    bright = teeth * _band(down + 0.6 * half_height, 0.12)
    flesh = 0.5 * tongue * _band(down - 0.6 * half_height, 0.18)
    inside = 0.08 + 0.75 * bright + 0.45 * flesh
    picture = face.brightness * (1 - lips) + (face.brightness - face.contrast) * lips
    return picture * (1 - hole) + inside * hole


def _inside(right: np.ndarray, down: np.ndarray, wide: np.ndarray, high: np.ndarray) -> np.ndarray:
    """1 within an ellipse, 0 outside, soft between."""
    distance = np.sqrt((right / wide) ** 2 + (down / high.clip(0.02)) ** 2)
    return 1 / (1 + np.exp(((distance - 1) * _SOFTNESS).clip(-30, 30)))


def _band(distance: np.ndarray, width: float) -> np.ndarray:
    """1 in the middle of a horizontal band, falling to 0."""
    return np.exp(-0.5 * (distance / width) ** 2)
