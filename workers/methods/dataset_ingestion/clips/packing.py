"""Clips concatenated in one file: tensors, poster and picture of the log-mel frames of each."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from service.core.fingerprints import fingerprint
from workers.methods.dataset_ingestion.clips.transcripts import Transcript
from workers.torchkit.clip_reading.reading import ClipReading
from workers.torchkit.clip_reading.stored_clips import clip_bytes


@dataclass(frozen=True)
class AppendedPart:
    """Some bytes of the packed file, and their digest."""

    sha256: str
    start: int
    length: int


@dataclass(frozen=True)
class PackedClip:
    """One valid clip: where its parts are in the packed file, and its facts.

    ``sha256`` is the digest of the uploaded file. ``remarks`` are the codes of what is unusual.
    """

    name: str
    sha256: str
    transcript: str
    pinyin: tuple[str, ...] | None
    speaker: str | None
    seconds: float
    frames: int
    frames_per_second: float
    mel_frames: int
    width: int
    height: int
    rotation: int
    faces: int
    box: tuple[int, int, int, int]
    remarks: tuple[str, ...]
    tensors: AppendedPart
    poster: AppendedPart
    mel_picture: AppendedPart | None


@dataclass(frozen=True)
class NamedClip:
    """What is known of a clip before it is decoded."""

    name: str
    sha256: str
    transcript: Transcript
    speaker: str | None


class ClipPacker:
    """Appends clips to a file and records their positions."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._end = 0
        self.clips: list[PackedClip] = []

    def add(self, clip: NamedClip, reading: ClipReading) -> None:
        """Appends one clip."""
        mel = reading.mel_png
        packed = PackedClip(
            name=clip.name,
            sha256=clip.sha256,
            transcript=clip.transcript.text,
            pinyin=clip.transcript.pinyin,
            speaker=clip.speaker,
            seconds=reading.seconds,
            frames=len(reading.crops),
            frames_per_second=reading.frames_per_second,
            mel_frames=len(reading.mel),
            width=reading.width,
            height=reading.height,
            rotation=reading.rotation,
            faces=reading.faces,
            box=reading.box,
            remarks=tuple(remark.code for remark in reading.remarks),
            tensors=self._append(clip_bytes(reading)),
            poster=self._append(reading.poster),
            mel_picture=None if mel is None else self._append(mel),
        )
        self.clips.append(packed)

    def _append(self, data: bytes) -> AppendedPart:
        part = AppendedPart(hashlib.sha256(data).hexdigest(), self._end, len(data))
        self._file.write(data)
        self._end += len(data)
        return part


def clips_sha256(clips: Sequence[PackedClip]) -> str:
    """Hash of the ordered list of (tensors, transcript, pinyin); equal sets have equal hashes."""
    return fingerprint(
        {"clips": [[clip.tensors.sha256, clip.transcript, clip.pinyin] for clip in clips]}
    )
