"""Wire shapes of clips."""

from typing import Self

from pydantic import BaseModel

from service.core.operations.zoo.clips import ClipPicture
from service.core.tables import ClipRecord


class ClipPictureQuery(BaseModel):
    """Which picture of a clip to get."""

    picture: ClipPicture = ClipPicture.POSTER


class ClipBoxView(BaseModel):
    """The part of the upright frames that is read, in pixels; that of the poster, where it moves."""

    left: int
    top: int
    width: int
    height: int


class ClipView(BaseModel):
    """One clip of a dataset, at a position counted from 0.

    ``transcript`` is empty in a dataset without transcripts. ``pinyin`` has one syllable with its tone number for every character of a Chinese transcript.
    ``remarks`` are codes of what is unusual, such as `variable_frame_rate`. ``poster`` and ``mel`` are
    paths of pictures; ``mel`` is null without sound. ``sha256`` is the digest of the uploaded file.
    """

    index: int
    name: str
    transcript: str
    pinyin: list[str] | None = None
    speaker: str | None = None
    seconds: float
    frames: int
    frames_per_second: float
    mel_frames: int
    width: int
    height: int
    rotation: int
    faces: int
    box: ClipBoxView
    remarks: list[str]
    sha256: str
    poster: str
    mel: str | None = None

    @classmethod
    def of(cls, record: ClipRecord) -> Self:
        """The view of a record."""
        left, top, width, height = record.box
        path = f"/v1/datasets/{record.dataset_id}/clips/{record.position}"
        return cls(
            index=record.position,
            name=record.name,
            transcript=record.transcript,
            pinyin=record.pinyin,
            speaker=record.speaker,
            seconds=record.seconds,
            frames=record.frames,
            frames_per_second=record.frames_per_second,
            mel_frames=record.mel_frames,
            width=record.width,
            height=record.height,
            rotation=record.rotation,
            faces=record.faces,
            box=ClipBoxView(left=left, top=top, width=width, height=height),
            remarks=record.remarks,
            sha256=record.sha256,
            poster=f"{path}/poster",
            mel=None if record.mel_picture is None else f"{path}/mel",
        )
