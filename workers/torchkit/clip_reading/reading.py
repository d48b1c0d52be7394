"""One clip file becomes lip crops, log-mel frames, pictures and facts.

The frames are decoded twice, once to look for faces and once to crop, so that never more than one
whole frame is in memory.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from service.core.manifest import ClipCrop
from workers.torchkit.clip_reading import frame_times
from workers.torchkit.clip_reading.containers import (
    REENCODE,
    ClipLimits,
    declared_seconds,
    opened_clip,
    require_decoders,
)
from workers.torchkit.clip_reading.faces import (
    FRAMES_BETWEEN_LOOKS,
    FaceLooks,
    require_lasting_face,
)
from workers.torchkit.clip_reading.frames import shown_frames
from workers.torchkit.clip_reading.lip_boxes import (
    CROP_HEIGHT,
    CROP_WIDTH,
    LipBox,
    fixed_box,
    lip_boxes,
)
from workers.torchkit.clip_reading.log_mel import BANDS, log_mel, mel_times
from workers.torchkit.clip_reading.pictures import mel_picture, poster
from workers.torchkit.clip_reading.problems import ClipRemark, clip_problem
from workers.torchkit.clip_reading.sound import Sound, sound_of

FEWEST_FRAMES = 5
_LEAST_SHARE = 0.8
_LEAST_MISSING_SECONDS = 0.1
_LEAST_FRAMES_PER_SECOND = 12
_NOTED_DIFFERENCE_SECONDS = 0.5
_LARGEST_DIFFERENCE = 0.5
_WHOLE_FRAME = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True)
class CropChoice:
    """Which part of the frames is cropped; ``box`` is (left, top, width, height) in shares."""

    crop: ClipCrop = ClipCrop.FOUND
    box: tuple[float, float, float, float] | None = None


@dataclass(frozen=True)
class ClipReading:
    """A clip as it is stored. Times are in seconds since the clip's start; ``I`` is 0 without sound.

    Attributes:
        width: Of the upright frames.
        box: Left, top, width and height of the crop in the poster, in pixels of the upright frames.
        faces: How many faces at least half of the frames show; 0 where none was sought.
        poster: The middle frame with the box, PNG.
        mel_png: A picture of the log-mel frames, PNG; None without sound.
    """

    crops: UInt8[Tensor, "J row column"]
    crop_times: Float[Tensor, " J"]
    mel: Float[Tensor, "I band"]
    mel_times: Float[Tensor, " I"]
    seconds: float
    frames_per_second: float
    width: int
    height: int
    rotation: int
    box: tuple[int, int, int, int]
    faces: int
    poster: bytes
    mel_png: bytes | None
    remarks: tuple[ClipRemark, ...]


@dataclass(frozen=True)
class _Scan:
    """What the first pass over the frames showed."""

    times: list[float]
    width: int
    height: int
    rotation: int
    looks: FaceLooks


def read_clip(path: Path, limits: ClipLimits, choice: CropChoice) -> ClipReading:
    """The clip, all of it decoded.

    Raises:
        ClipProblemError: The reason why it cannot be used.
    """
    require_decoders()
    scan = _scan(path, limits, choice.crop)
    sound = sound_of(path, limits)
    start = scan.times[0] if sound is None else min(scan.times[0], sound.start_seconds)
    shown = frame_times.regular(scan.times)
    end = shown.end if sound is None else max(shown.end, sound.start_seconds + sound.seconds)
    remarks = _remarks_on_length(
        path, limits, picture=shown.end - scan.times[0], whole=end - start
    )
    remarks += [*_remarks_on_times(shown), *_remarks_on_sound(sound, scan)]
    lasting = require_lasting_face(scan.looks) if choice.crop is ClipCrop.FOUND else []
    if len(lasting) > 1:
        detail = f"{len(lasting)} faces last; the largest is read"
        remarks.append(ClipRemark("two_faces", detail))
    boxes = lip_boxes(lasting[0], scan.times) if lasting else _fixed_boxes(scan, choice)
    crops, picture = _crops(path, limits, boxes)
    mel = torch.zeros(0, BANDS) if sound is None else log_mel(sound.samples)
    of_mel = mel_times(len(mel)) + (0.0 if sound is None else sound.start_seconds - start)
    middle = boxes[len(boxes) // 2]
    rows, columns = middle.inside(scan.height, scan.width)
    return ClipReading(
        crops=torch.from_numpy(crops[shown.indices] if shown.varied else crops),
        crop_times=torch.tensor(shown.middles - start, dtype=torch.float32),
        mel=mel,
        mel_times=of_mel,
        seconds=end - start,
        frames_per_second=shown.per_second,
        width=scan.width,
        height=scan.height,
        rotation=scan.rotation,
        box=(
            columns.start,
            rows.start,
            columns.stop - columns.start,
            rows.stop - rows.start,
        ),
        faces=len(lasting),
        poster=poster(picture, rows, columns),
        mel_png=mel_picture(mel) if len(mel) else None,
        remarks=tuple(remarks),
    )


def _scan(path: Path, limits: ClipLimits, crop: ClipCrop) -> _Scan:
    """The times of all frames, and the faces of every fifth."""
    times: list[float] = []
    looks = FaceLooks()
    width = height = rotation = 0
    for count, frame in enumerate(shown_frames(path, limits)):
        times.append(frame.seconds)
        if count == 0:
            height, width = frame.gray().shape
            rotation = frame.turned
        if crop is ClipCrop.FOUND and count % FRAMES_BETWEEN_LOOKS == 0:
            looks.add(frame.seconds, frame.gray())
    if not times:
        raise clip_problem("undecodable", "no frame of the clip can be decoded", REENCODE)
    if len(times) < FEWEST_FRAMES:
        raise clip_problem(
            "clip_too_short",
            f"the clip has {len(times)} frames, {FEWEST_FRAMES} are needed",
            "send the whole clip",
        )
    frame_times.require_within(times, limits)
    return _Scan(times, width, height, rotation, looks)


def _remarks_on_length(
    path: Path, limits: ClipLimits, *, picture: float, whole: float
) -> list[ClipRemark]:
    """What is missing of the length that the header states.

    Raises:
        ClipProblemError: ``truncated``: more than a fifth is.
    """
    with opened_clip(path, limits) as container:
        declared = declared_seconds(container)
    lasted, stated = (
        (whole, declared.whole) if declared.picture is None else (picture, declared.picture)
    )
    if stated is None or lasted > stated - _LEAST_MISSING_SECONDS:
        return []
    detail = f"{lasted:.2f} of {stated:.2f} s can be decoded"
    if lasted < _LEAST_SHARE * stated:
        raise clip_problem("truncated", detail, "send the whole clip")
    return [ClipRemark("truncated", detail)]


def _remarks_on_times(shown: frame_times.ShownTimes) -> list[ClipRemark]:
    """What is unusual about the times of the frames."""
    remarks = []
    if shown.varied:
        detail = f"the frames vary in length; read at {shown.per_second:.4g} frames a second"
        remarks.append(ClipRemark("variable_frame_rate", detail))
    if shown.per_second < _LEAST_FRAMES_PER_SECOND:
        detail = f"fewer than {_LEAST_FRAMES_PER_SECOND} frames a second"
        remarks.append(ClipRemark("low_frame_rate", detail))
    return remarks


def _remarks_on_sound(sound: Sound | None, scan: _Scan) -> list[ClipRemark]:
    """What is unusual about the sound. Raises ClipProblemError: ``sound_mismatch``."""
    if sound is None:
        return [ClipRemark("without_audio", "the clip has no sound")]
    lasted = frame_times.regular(scan.times).end - scan.times[0]
    longer, shorter = max(lasted, sound.seconds), min(lasted, sound.seconds)
    offset = abs(sound.start_seconds - scan.times[0])
    detail = f"{lasted:.2f} s of picture and {sound.seconds:.2f} s of sound, {offset:.2f} s apart"
    if longer - shorter > _LARGEST_DIFFERENCE * longer:
        raise clip_problem("sound_mismatch", detail, "cut picture and sound to the same length")
    if max(longer - shorter, offset) > _NOTED_DIFFERENCE_SECONDS:
        return [ClipRemark("sound_differs", detail)]
    return []


def _fixed_boxes(scan: _Scan, choice: CropChoice) -> list[LipBox]:
    shares = _WHOLE_FRAME if choice.box is None else choice.box
    return [fixed_box(shares, width=scan.width, height=scan.height)] * len(scan.times)


def _crops(
    path: Path, limits: ClipLimits, boxes: Sequence[LipBox]
) -> tuple[UInt8[np.ndarray, "frame row column"], UInt8[np.ndarray, "height width 3"]]:
    """The crop of every frame, stretched to one size, and the middle frame in colors."""
    import cv2

    crops = np.zeros((len(boxes), CROP_HEIGHT, CROP_WIDTH), dtype=np.uint8)
    picture = np.zeros((1, 1, 3), dtype=np.uint8)
    for index, (frame, box) in enumerate(zip(shown_frames(path, limits), boxes, strict=True)):
        gray = frame.gray()
        part = np.ascontiguousarray(gray[box.inside(*gray.shape)])
        shrinks = part.shape[0] * part.shape[1] > CROP_HEIGHT * CROP_WIDTH
        way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        crops[index] = cv2.resize(part, (CROP_WIDTH, CROP_HEIGHT), interpolation=way)
        if index == len(boxes) // 2:
            picture = np.ascontiguousarray(frame.colors())
    return crops, picture
