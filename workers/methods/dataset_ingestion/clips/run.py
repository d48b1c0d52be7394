"""Validates, decodes and packs the clips of an upload."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from service.core.counts import counted
from service.core.errors import RefusedUploadError
from workers.methods.dataset_ingestion.clips.outcome import PACKED_CLIPS, ClipsFound, clips_outcome
from workers.methods.dataset_ingestion.clips.packing import ClipPacker, NamedClip
from workers.methods.dataset_ingestion.clips.segments import cut, segment_name, span_of
from workers.methods.dataset_ingestion.clips.sources import ClipSource, opened_sources
from workers.methods.dataset_ingestion.clips.transcripts import (
    Transcript,
    transcript_of_text,
)
from workers.methods.dataset_ingestion.entries import ImageProblem, ImageProblemError, refused
from workers.methods.dataset_ingestion.result import DatasetIngestionResult
from workers.methods.dataset_ingestion.upload_reader import DatasetIngestionData
from workers.torchkit.clip_reading.containers import ClipLimits, require_decoders
from workers.torchkit.clip_reading.problems import ClipProblemError, clip_problem
from workers.torchkit.clip_reading.reading import CropChoice, read_clip
from workers.torchkit.protocols import Report

_UNPACKED = "clip"


@dataclass
class _ClipsRead(ClipsFound):
    """What was read so far: digests of the uploaded files with their transcripts, names of clips."""

    digests: dict[str, list[str]] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)


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
    """Packs one clip, or its parts. Raises ClipProblemError or ImageProblemError."""
    spans = [span_of(text) for text in source.texts]
    transcripts = [transcript_of_text(text) for text in source.texts]
    limits = ClipLimits(
        bytes=inputs.limits.clip_bytes,
        seconds=inputs.limits.clip_seconds,
        pixels=inputs.limits.image_pixels,
    )
    with _unpacked(source, inputs.folder) as path:
        digest = _digest(path)
        if _is_copy(source, digest, transcripts, reading):
            return
        choice = CropChoice(inputs.manifest.crop, inputs.manifest.crop_box)
        clip = read_clip(path, limits, choice)
    reading.digests[digest] = [transcript.text for transcript in transcripts]
    for remark in clip.remarks:
        reading.notes.add(remark.code, remark.detail, source.entry.name)
    for text, span, transcript in zip(source.texts, spans, transcripts, strict=True):
        name = source.entry.name if span is None else segment_name(source.entry.name, span)
        try:
            part = clip if span is None else cut(clip, span)
            _require_new(name, reading)
        except ClipProblemError as error:
            problem = ImageProblem(name, error.code, error.detail, error.remedy or "")
            reading.problems.append(problem)
            continue
        if transcript.has_han and transcript.pinyin is None:
            detail = "Chinese with other letters or digits has no pinyin"
            reading.notes.add("no_pinyin", detail, name)
        packer.add(NamedClip(name, digest, transcript, text.speaker), part)


def _require_new(name: str, reading: _ClipsRead) -> None:
    """Raises ClipProblemError: ``several_transcripts``: a part of these times was there before."""
    if name in reading.names:
        raise clip_problem(
            "several_transcripts",
            "two rows have these times and say different things",
            "leave one row for each part",
        )
    reading.names.add(name)


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


def _is_copy(
    source: ClipSource, digest: str, transcripts: Sequence[Transcript], reading: _ClipsRead
) -> bool:
    """Whether the clip is a copy of another, which is noted; copies are left out."""
    original = reading.digests.get(digest)
    if original is None:
        return False
    detail = "exact copies of other clips are left out"
    reading.notes.add("duplicates", detail, source.entry.name)
    if original != [transcript.text for transcript in transcripts]:
        detail = "exact copies of clips with another transcript"
        reading.notes.add("contradicting_duplicates", detail, source.entry.name)
    return True
