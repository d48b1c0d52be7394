"""Where the lips are in every frame of a clip.

The box lies in the face's square of side w at (x, y): center (x + 0.50 w, y + 0.807 h), width 0.50 w,
height one third of w, which leaves a margin of about 40 % around the lips. Its place is a median
over the clip, or over eleven looks where the head moves.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workers.torchkit.clip_reading.faces import FaceBox
from workers.torchkit.clip_reading.problems import clip_problem

CROP_HEIGHT, CROP_WIDTH = 64, 96
_CENTER_DOWN, _WIDTH_SHARE, _HEIGHT_SHARE = 0.807, 0.5, 1 / 3
_MEDIAN_OF = 11
_MOVES_BY = 0.15
_LONGEST_GAP_SECONDS = 1.0


@dataclass(frozen=True)
class LipBox:
    """A part of an upright frame in pixels."""

    left: float
    top: float
    width: float
    height: float

    def inside(self, rows: int, columns: int) -> tuple[slice, slice]:
        """Rows and columns of the frame that the box covers, at least one of each."""
        top, left = int(np.clip(self.top, 0, rows - 1)), int(np.clip(self.left, 0, columns - 1))
        bottom = int(np.clip(round(self.top + self.height), top + 1, rows))
        right = int(np.clip(round(self.left + self.width), left + 1, columns))
        return slice(top, bottom), slice(left, right)


def fixed_box(shares: Sequence[float], *, width: int, height: int) -> LipBox:
    """The box (left, top, width, height) in shares of the frame."""
    left, top, across, down = shares
    return LipBox(left * width, top * height, across * width, down * height)


def lip_boxes(track: Sequence[FaceBox], times: Sequence[float]) -> list[LipBox]:
    """The box of every frame time.

    Raises:
        ClipProblemError: ``face_lost``: for more than a second no frame shows the face.
    """
    seconds = np.array([box.seconds for box in track])
    _require_no_gap(seconds, times)
    squares = np.array([[box.left, box.top, box.side] for box in track])
    smooth = _running_median(squares)
    spread = smooth[:, :2].max(0) - smooth[:, :2].min(0)
    if spread.max() <= _MOVES_BY * float(np.median(squares[:, 2])):
        return [_box_in(*np.median(squares, axis=0))] * len(times)
    moving = np.stack([np.interp(times, seconds, column) for column in smooth.T], axis=1)
    return [_box_in(*face) for face in moving]


def _require_no_gap(seconds: np.ndarray, times: Sequence[float]) -> None:
    edges = np.concatenate([[times[0]], seconds, [times[-1]]])
    longest = float(np.diff(edges).max())
    if longest > _LONGEST_GAP_SECONDS:
        raise clip_problem(
            "face_lost",
            f"for {longest:.1f} s no frame looked at shows the face, and"
            f" {_LONGEST_GAP_SECONDS:g} s are bridged",
            "cut the clip where the face is hidden",
        )


def _running_median(squares: np.ndarray) -> np.ndarray:
    """The median of each look with five before and five after it."""
    half = _MEDIAN_OF // 2
    return np.stack(
        [
            np.median(squares[max(0, index - half) : index + half + 1], axis=0)
            for index in range(len(squares))
        ]
    )


def _box_in(left: float, top: float, side: float) -> LipBox:
    width, height = _WIDTH_SHARE * side, _HEIGHT_SHARE * side
    return LipBox(
        left + side / 2 - width / 2, top + _CENTER_DOWN * side - height / 2, width, height
    )
