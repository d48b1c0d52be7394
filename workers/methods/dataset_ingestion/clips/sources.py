"""The clips of an upload with what is said in them, still to be decoded."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from service.core.manifest import DatasetManifest
from workers.methods.dataset_ingestion.archives import ArchiveFiles
from workers.methods.dataset_ingestion.clips.parquet import (
    ClipParquet,
    parquet_clips,
    shard_clips,
)
from workers.methods.dataset_ingestion.clips.texts import ClipText, clip_texts, is_text
from workers.methods.dataset_ingestion.entries import (
    ArchiveEntry,
    ImageProblem,
    refused,
    without_repeats,
)
from workers.methods.dataset_ingestion.image_kinds import is_named_as_image
from workers.methods.dataset_ingestion.notes import NoteCollector
from workers.methods.dataset_ingestion.parquet import ParquetReading
from workers.methods.dataset_ingestion.upload_reader import DatasetIngestionData, opened_archive

_CLIPS = frozenset({
    ".mp4", ".m4v", ".mov", ".3gp", ".mpg", ".mpeg", ".webm", ".mkv", ".avi", ".gif", ".ts",
})  # fmt: skip
_PARQUET = ".parquet"
_NO_TRANSCRIPT = (
    "name it in a CSV file with a transcript, or put a .txt or .align file beside it;"
    " if no clip has any, transcripts can be added later"
)


@dataclass(frozen=True)
class ClipSource:
    """One clip of an upload, and a text for all of it or for each of its parts.

    The texts have no words if no clip of the upload has any.
    """

    entry: ArchiveEntry
    texts: tuple[ClipText, ...]


@dataclass
class ClipSources:
    """The clips with their texts in the order in which they are copied, and what is wrong."""

    clips: list[ClipSource] = field(default_factory=list)
    problems: list[ImageProblem] = field(default_factory=list)


@contextmanager
def opened_sources(inputs: DatasetIngestionData, notes: NoteCollector) -> Iterator[ClipSources]:
    """The clips of a zip, a tar or Parquet files, which can be copied while the block runs.

    Raises:
        RefusedUploadError: The upload cannot be read, or its columns are unknown or ambiguous.
    """
    with inputs.file.open("rb") as file:
        is_parquet = file.read(4) == b"PAR1"
    reading = ParquetReading(inputs.manifest, inputs.limits, notes)
    if is_parquet:
        with parquet_clips(inputs.file, reading) as rows:
            yield _of_rows(rows, notes)
        return
    with opened_archive(inputs, notes) as archive:
        shards = [entry for entry in archive.files if entry.path.suffix.lower() == _PARQUET]
        if shards and not any(map(_is_clip, archive.files)):
            with shard_clips(shards, inputs.folder, reading) as rows:
                yield _of_rows(rows, notes)
            return
        _require_no_split(inputs.manifest)
        yield _of_files(archive, inputs.manifest)


def with_texts(clips: Sequence[ClipSource], notes: NoteCollector) -> ClipSources:
    """The clips if all have words or none has; else those without become problems."""
    texts = [text for clip in clips for text in clip.texts]
    if not any(text.words is not None or text.pinyin for text in texts):
        if clips:
            notes.add("no_transcripts", "no clip has a transcript; they can be added later")
        return ClipSources(list(clips))
    sources = ClipSources()
    for clip in clips:
        if all(text.words is not None for text in clip.texts):
            sources.clips.append(clip)
            continue
        detail = "no table, column or file beside it says what is said"
        sources.problems.append(
            ImageProblem(clip.entry.name, "no_transcript", detail, _NO_TRANSCRIPT)
        )
    return sources


def _of_rows(rows: ClipParquet, notes: NoteCollector) -> ClipSources:
    """The clips of Parquet rows, the first of each name."""
    repeated: list[ImageProblem] = []
    texts = {entry.name: text for entry, text in reversed(rows.rows)}
    entries = without_repeats((entry for entry, _ in rows.rows), repeated)
    sources = with_texts([ClipSource(entry, (texts[entry.name],)) for entry in entries], notes)
    sources.problems += [*rows.problems, *repeated]
    return sources


def _of_files(archive: ArchiveFiles, manifest: DatasetManifest) -> ClipSources:
    """Every clip with its transcript from a table, else from the file beside it."""
    problems = list(archive.problems)
    clips = list(without_repeats(filter(_is_clip, archive.files), problems))
    _note_unused(archive)
    texts = clip_texts(archive, (entry.name for entry in clips), manifest)
    clear = [
        ClipSource(entry, texts.of(entry.name))
        for entry in clips
        if entry.name not in texts.unclear
    ]
    sources = with_texts(clear, archive.notes)
    sources.problems += [*problems, *texts.problems]
    return sources


def _is_clip(entry: ArchiveEntry) -> bool:
    """Whether the suffix is that of a clip; pictures are taken for clips, and refused by name."""
    return entry.path.suffix.lower() in _CLIPS or is_named_as_image(entry.path)


def _note_unused(archive: ArchiveFiles) -> None:
    for entry in archive.files:
        if not (_is_clip(entry) or is_text(entry.path)):
            archive.notes.add(
                "skipped_files", "files that belong to no clip are left out", entry.name
            )


def _require_no_split(manifest: DatasetManifest) -> None:
    """Raises RefusedUploadError: ``unknown_split``: files of clips are not divided."""
    if manifest.split is not None:
        raise refused(
            "unknown_split",
            "of clips, only Parquet files are divided into splits",
            "omit `split` (`--split`), and upload the folder of one part",
        )
