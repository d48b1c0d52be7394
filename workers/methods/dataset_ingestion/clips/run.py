"""Validates, decodes and packs the clips of an upload."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from service.core.counts import counted
from service.core.errors import RefusedUploadError
from workers.methods.dataset_ingestion.clips.outcome import PACKED_CLIPS, ClipsFound, clips_outcome
from workers.methods.dataset_ingestion.clips.packing import ClipPacker, NamedClip
from workers.methods.dataset_ingestion.clips.sources import ClipSource, opened_sources
from workers.methods.dataset_ingestion.clips.transcripts import (
    Transcript,
    transcript_of_text,
)
from workers.methods.dataset_ingestion.entries import ImageProblem, ImageProblemError, refused
from workers.methods.dataset_ingestion.result import DatasetIngestionResult
from workers.methods.dataset_ingestion.upload_reader import DatasetIngestionData
from workers.torchkit.clip_reading.containers import ClipLimits, require_decoders
from workers.torchkit.clip_reading.problems import ClipProblemError
from workers.torchkit.clip_reading.reading import CropChoice, read_clip
from workers.torchkit.protocols import Report

_UNPACKED = "clip"


@dataclass
class _ClipsRead(ClipsFound):
    """What was read so far; ``digests`` are of the uploaded files, with their transcripts."""

    digests: dict[str, str] = field(default_factory=dict)


def run_clips(inputs: DatasetIngestionData, report: Report) -> DatasetIngestionResult:
    """The dataset of all valid clips, packed, in the order of their names."""
    reading = _ClipsRead()
    packed_file = inputs.folder / PACKED_CLIPS
    try:
        require_decoders()
        with packed_file.open("wb") as file:
            packer = ClipPacker(file)
            _pack(inputs, packer, reading, report)
    except RefusedUploadError as error:
        return reading.rejected(error)
    return clips_outcome(packer.clips, reading, packed_file, on_error=inputs.manifest.on_error)


def _pack(
    inputs: DatasetIngestionData, packer: ClipPacker, reading: _ClipsRead, report: Report
) -> None:
    """Packs all valid clips; collects the problems of the others."""
    with opened_sources(inputs, reading.notes) as sources:
        reading.problems += sources.problems
        if len(sources.clips) > inputs.limits.clips:
            raise refused(
                "too_many_clips",
                f"the upload has {len(sources.clips)} clips, {inputs.limits.clips} are allowed",
                "split the set, or raise ZOO_MAX_DATASET_CLIPS where the workers run",
            )
        for step, source in enumerate(sources.clips, start=1):
            try:
                _pack_clip(source, inputs, packer, reading)
            except (ClipProblemError, ImageProblemError) as error:
                name, remedy = source.entry.name, error.remedy or ""
                reading.problems.append(ImageProblem(name, error.code, error.detail, remedy))
            report(step, len(sources.clips), f"{counted(step, 'clip')} read")


def _pack_clip(
    source: ClipSource, inputs: DatasetIngestionData, packer: ClipPacker, reading: _ClipsRead
) -> None:
    """Packs one clip. Raises ClipProblemError or ImageProblemError."""
    transcript = transcript_of_text(source.text)
    limits = ClipLimits(
        bytes=inputs.limits.clip_bytes,
        seconds=inputs.limits.clip_seconds,
        pixels=inputs.limits.image_pixels,
    )
    with _unpacked(source, inputs.folder) as path:
        digest = _digest(path)
        if _is_copy(source, digest, transcript, reading):
            return
        choice = CropChoice(inputs.manifest.crop, inputs.manifest.crop_box)
        clip = read_clip(path, limits, choice)
    reading.digests[digest] = transcript.text
    for remark in clip.remarks:
        reading.notes.add(remark.code, remark.detail, source.entry.name)
    if transcript.has_han and transcript.pinyin is None:
        detail = "Chinese with other letters or digits has no pinyin"
        reading.notes.add("no_pinyin", detail, source.entry.name)
    packer.add(NamedClip(source.entry.name, digest, transcript, source.text.speaker), clip)


@contextmanager
def _unpacked(source: ClipSource, folder: Path) -> Iterator[Path]:
    """The clip as a file of its own while the block runs."""
    path = folder / _UNPACKED
    if source.entry.copy is None:
        raise ImageProblemError("the file cannot be unpacked")
    try:
        source.entry.copy(path)
        yield path
    finally:
        path.unlink(missing_ok=True)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_copy(source: ClipSource, digest: str, transcript: Transcript, reading: _ClipsRead) -> bool:
    """Whether the clip is a copy of another, which is noted; copies are left out."""
    original = reading.digests.get(digest)
    if original is None:
        return False
    detail = "exact copies of other clips are left out"
    reading.notes.add("duplicates", detail, source.entry.name)
    if original != transcript.text:
        detail = "exact copies of clips with another transcript"
        reading.notes.add("contradicting_duplicates", detail, source.entry.name)
    return True
