"""What the reading of clips results in: a dataset, or the problems for which it is rejected."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from service.core.errors import RefusedUploadError
from service.core.manifest import OnError
from workers.methods.dataset_ingestion.clips.packing import PackedClip, clips_sha256
from workers.methods.dataset_ingestion.clips.transcripts import pinyin_source
from workers.methods.dataset_ingestion.entries import ImageProblem
from workers.methods.dataset_ingestion.findings import listed
from workers.methods.dataset_ingestion.notes import NoteCollector
from workers.methods.dataset_ingestion.result import DatasetIngestionResult

PACKED_CLIPS = "clips.pack"
"""The file of all clips of a set."""


@dataclass
class ClipsFound:
    """What was found so far, besides the clips themselves."""

    notes: NoteCollector = field(default_factory=NoteCollector)
    problems: list[ImageProblem] = field(default_factory=list)

    def rejected(self, error: RefusedUploadError) -> DatasetIngestionResult:
        """The rejection of the whole upload."""
        problem = ImageProblem("", error.code, error.detail, error.remedy or "")
        return DatasetIngestionResult((problem,), self.notes.collected())


def clips_outcome(
    read: Iterable[PackedClip], gathered: ClipsFound, packed_file: Path, *, on_error: OnError
) -> DatasetIngestionResult:
    """The dataset of the clips in the order of their names; rejected without any, or if asked."""
    clips = tuple(sorted(read, key=lambda clip: clip.name))
    _note_clips(clips, gathered.notes)
    files = len(clips) + len(gathered.problems)
    problems = listed(gathered.problems, files=files, on_error=on_error, noun="clip")
    notes = gathered.notes.collected()
    if not clips:
        nothing = ImageProblem(
            "",
            "no_clips",
            "the upload has no usable clip",
            "send a zip of clips and transcripts, or Parquet with a column of clips",
        )
        return DatasetIngestionResult((*problems, nothing), notes)
    if problems and on_error is OnError.FAIL:
        return DatasetIngestionResult(problems, notes)
    return DatasetIngestionResult(
        problems=problems,
        notes=notes,
        clips=clips,
        manifest_sha256=clips_sha256(clips),
        packed_file=packed_file,
    )


def _note_clips(clips: tuple[PackedClip, ...], notes: NoteCollector) -> None:
    """Notes where the pinyin is from, and that there is no sound at all."""
    if any(clip.pinyin is not None for clip in clips):
        notes.add(
            "pinyin_from", f"pinyin without a column of its own is read by {pinyin_source()}"
        )
    if clips and not any(clip.mel_frames for clip in clips):
        notes.add("no_audio", "no clip has sound, so no speech recognizer can learn from them")
