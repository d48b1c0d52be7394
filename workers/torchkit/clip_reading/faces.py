"""Faces in a clip: found in every fifth frame and followed from one to the next.

OpenCV's cascade ``haarcascade_frontalface_alt2`` finds faces from the front.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from workers.torchkit.clip_reading.problems import clip_problem

FRAMES_BETWEEN_LOOKS = 5
_LARGEST_SIDE = 480
_SCALE_STEP, _NEIGHBORS, _SMALLEST_FACE = 1.1, 3, 24
_LASTING_SHARE = 0.5
_SAME_FACE_OVERLAP = 0.3
_LIP_SHARE = 0.27
_FEWEST_LIP_PIXELS = 12
_FRAMES_OF_THEM = "film the face from the front, or give the crop: `crop` = full, or `crop_box`"


@dataclass(frozen=True)
class FaceBox:
    """A face in pixels of the upright frame, and when it is shown."""

    seconds: float
    left: float
    top: float
    side: float

    def overlap(self, other: "FaceBox") -> float:
        """Shared area of two squares over their joint area."""
        width = min(self.left + self.side, other.left + other.side) - max(self.left, other.left)
        height = min(self.top + self.side, other.top + other.side) - max(self.top, other.top)
        shared = max(width, 0.0) * max(height, 0.0)
        return shared / (self.side**2 + other.side**2 - shared)


@dataclass
class FaceLooks:
    """What was found in the frames that were looked at."""

    looks: list[float] = field(default_factory=list)
    tracks: list[list[FaceBox]] = field(default_factory=list)

    def add(self, seconds: float, gray: np.ndarray) -> None:
        """Looks for faces in a frame and continues the tracks of those that it shows."""
        self.looks.append(seconds)
        continued: set[int] = set()
        for box in faces_in(gray, seconds):
            index = self._track_of(box, continued)
            if index is None:
                self.tracks.append([])
                index = len(self.tracks) - 1
            self.tracks[index].append(box)
            continued.add(index)

    def lasting(self) -> list[list[FaceBox]]:
        """The faces that at least half of the frames show, the largest first."""
        fewest = max(1.0, _LASTING_SHARE * len(self.looks))
        tracks = [track for track in self.tracks if len(track) >= fewest]
        return sorted(tracks, key=_median_side, reverse=True)

    def _track_of(self, box: FaceBox, continued: set[int]) -> int | None:
        """The track whose last box overlaps most; None if this is a new face."""
        overlaps = {
            index: track[-1].overlap(box)
            for index, track in enumerate(self.tracks)
            if index not in continued
        }
        best = max(overlaps, key=overlaps.__getitem__, default=None)
        return best if best is not None and overlaps[best] >= _SAME_FACE_OVERLAP else None


def faces_in(gray: np.ndarray, seconds: float) -> list[FaceBox]:
    """The faces of a frame, sought in a copy of at most 480 pixels a side."""
    import cv2

    scale = min(1.0, _LARGEST_SIDE / max(gray.shape))
    small = gray if scale == 1.0 else cv2.resize(gray, None, fx=scale, fy=scale)
    boxes = _cascade().detectMultiScale(
        np.ascontiguousarray(small), _SCALE_STEP, _NEIGHBORS, 0, (_SMALLEST_FACE, _SMALLEST_FACE)
    )
    return [
        FaceBox(seconds, left / scale, top / scale, side / scale) for left, top, side, _ in boxes
    ]


def require_lasting_face(looks: FaceLooks) -> list[list[FaceBox]]:
    """The lasting faces, of which the largest is large enough.

    Raises:
        ClipProblemError: ``no_face`` or ``face_too_small``.
    """
    lasting = looks.lasting()
    if not lasting:
        longest = max((len(track) for track in looks.tracks), default=0)
        raise clip_problem(
            "no_face",
            f"a face from the front is in {longest} of the {len(looks.looks)} frames looked at,"
            " and at least half of them must show it",
            _FRAMES_OF_THEM,
        )
    pixels = _LIP_SHARE * _median_side(lasting[0])
    if pixels < _FEWEST_LIP_PIXELS:
        raise clip_problem(
            "face_too_small",
            f"the lips are about {pixels:.0f} pixels wide, {_FEWEST_LIP_PIXELS} are needed",
            "film the face from nearer",
        )
    return lasting


def _median_side(track: Sequence[FaceBox]) -> float:
    return median(box.side for box in track)


@cache
def _cascade() -> Any:
    import cv2

    folder = Path(cv2.__file__).parent / "data"
    return cv2.CascadeClassifier(str(folder / "haarcascade_frontalface_alt2.xml"))
