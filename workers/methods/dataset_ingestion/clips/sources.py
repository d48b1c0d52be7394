"""Which files of an upload are clips, and where each transcript is."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import PurePosixPath
from typing import Any

from service.core.file_names import normalized
from service.core.manifest import DatasetManifest
from workers.methods.dataset_ingestion.archives import ArchiveFiles
from workers.methods.dataset_ingestion.entries import (
    ArchiveEntry,
    ImageProblem,
    refused,
    without_repeats,
)
from workers.methods.dataset_ingestion.image_kinds import is_named_as_image
from workers.methods.dataset_ingestion.image_names import ImageNames
from workers.methods.dataset_ingestion.label_columns import require_column
from workers.methods.dataset_ingestion.named_rows import (
    NamedRows,
    ambiguous_rows,
    named_rows,
    text_of,
    unresolved_row,
)
from workers.methods.dataset_ingestion.notes import NoteCollector

_CLIPS = frozenset({
    ".mp4", ".m4v", ".mov", ".3gp", ".mpg", ".mpeg", ".webm", ".mkv", ".avi", ".gif", ".ts",
})  # fmt: skip
_TABLES = frozenset({".csv", ".tsv", ".jsonl", ".ndjson"})
_ALIGNMENT = ".align"
_BESIDE = (".txt", _ALIGNMENT)
_TRANSCRIPT_COLUMNS = ("transcript", "transcription", "sentence", "text", "words", "label")
_PINYIN_COLUMN = "pinyin"
_SPEAKER_COLUMNS = ("speaker", "speaker_id")
_LONGEST_SPEAKER = 200
_ONE_TEXT = "leave one row for the clip, or write the same transcript into all"
_NO_TRANSCRIPT = "name it in a CSV file with a transcript, or put a .txt or .align file beside it"


class TextForm(Enum):
    """What a text holds: words alone, or one word a line with its times."""

    WORDS = auto()
    ALIGNMENT = auto()


@dataclass(frozen=True)
class ClipSource:
    """One clip of an upload, still to be decoded."""

    entry: ArchiveEntry
    text: str
    form: TextForm = TextForm.WORDS
    pinyin: str | None = None
    speaker: str | None = None


@dataclass
class ClipSources:
    """The clips with their transcripts, and what is wrong with the others."""

    clips: list[ClipSource] = field(default_factory=list)
    problems: list[ImageProblem] = field(default_factory=list)


@dataclass(frozen=True)
class _Row:
    text: str
    pinyin: str | None
    speaker: str | None


def clip_sources(archive: ArchiveFiles, manifest: DatasetManifest) -> ClipSources:
    """Every clip with its transcript from a table, else from the file beside it.

    Raises:
        RefusedUploadError: ``unknown_column`` or ``broken_label_file``.
    """
    sources = ClipSources(problems=list(archive.problems))
    clips = list(without_repeats(filter(_is_clip, archive.files), sources.problems))
    names = ImageNames(entry.name for entry in clips)
    rows = _rows(archive, names, manifest, sources)
    texts = _texts_beside(archive, names, manifest, sources)
    for entry in clips:
        stated = rows.get(entry.name, [])
        if len(stated) > 1:
            detail = "the tables give it different transcripts"
            sources.problems.append(
                ImageProblem(entry.name, "several_transcripts", detail, _ONE_TEXT)
            )
        elif stated:
            row = stated[0]
            sources.clips.append(
                ClipSource(entry, row.text, TextForm.WORDS, row.pinyin, row.speaker)
            )
        elif entry.name in texts:
            path, text = texts[entry.name]
            has_times = path.suffix.lower() == _ALIGNMENT
            form = TextForm.ALIGNMENT if has_times else TextForm.WORDS
            sources.clips.append(ClipSource(entry, text, form))
        else:
            detail = "no table or file beside it says what is said"
            problem = ImageProblem(entry.name, "no_transcript", detail, _NO_TRANSCRIPT)
            sources.problems.append(problem)
    return sources


def _is_clip(entry: ArchiveEntry) -> bool:
    """Whether the suffix is that of a clip; pictures are taken for clips, and refused by name."""
    return entry.path.suffix.lower() in _CLIPS or is_named_as_image(entry.path)


def _rows(
    archive: ArchiveFiles, names: ImageNames, manifest: DatasetManifest, sources: ClipSources
) -> Mapping[str, list[_Row]]:
    """What the tables say of each clip; rows without a clip become problems."""
    rows: dict[str, dict[_Row, None]] = {}
    unresolved: dict[ImageProblem, None] = {}
    for entry in archive.files:
        if entry.path.suffix.lower() not in _TABLES:
            continue
        table = named_rows(entry, names, manifest.encoding)
        column = None if table is None else _transcript_column(table, manifest)
        if table is None:
            table = ambiguous_rows(entry, names, manifest.encoding)
            column = None if table is None else _likely_column(table, manifest)
        if table is None or column is None:
            detail = "tables without transcripts for clips of the upload are not used"
            archive.notes.add("unused_table", detail, entry.name)
            continue
        archive.notes.add(
            "transcripts_from", f"the transcripts are in column {column} of {entry.name}"
        )
        for path, row in _table_rows(table, column):
            named = names.named(path, table.file.parent)
            if len(named) == 1:
                rows.setdefault(named[0], {})[row] = None
            else:
                unresolved[unresolved_row(path, table.file, named, noun="clip")] = None
    sources.problems += unresolved
    return {name: list(stated) for name, stated in rows.items()}


def _likely_column(table: NamedRows, manifest: DatasetManifest) -> str | None:
    """The column of the transcripts, if its name says so or it is the only one."""
    others = [name for name in table.columns if name != table.paths]
    wanted = manifest.transcript_column
    if wanted is not None:
        return wanted if wanted in others else None
    usual = _column(others, _TRANSCRIPT_COLUMNS)
    return others[0] if usual is None and len(others) == 1 else usual


def _transcript_column(table: NamedRows, manifest: DatasetManifest) -> str | None:
    others = [name for name in table.columns if name != table.paths]
    wanted = manifest.transcript_column
    if wanted is not None:
        require_column(others, wanted, file=str(table.file), option="transcript_column")
        return wanted
    column = _column(others, _TRANSCRIPT_COLUMNS)
    if column is None and len(others) > 1:
        raise refused(
            "ambiguous_transcripts",
            f"any of the columns {', '.join(others[:20])} of {table.file} could hold the transcripts",
            "set `transcript_column` (`--transcript-column`) to one of them",
        )
    return column or next(iter(others), None)


def _table_rows(table: NamedRows, column: str) -> Iterator[tuple[str, _Row]]:
    pinyin = _column(table.columns, (_PINYIN_COLUMN,))
    speaker = _column(table.columns, _SPEAKER_COLUMNS)
    for row in table.rows:
        words = None if pinyin is None else _cell(row, pinyin)
        name = None if speaker is None else normalized(_cell(row, speaker))[:_LONGEST_SPEAKER]
        yield _cell(row, table.paths), _Row(_cell(row, column), words or None, name or None)


def _cell(row: Mapping[str, Any], column: str) -> str:
    value = row.get(column)
    return "" if value is None else " ".join(str(value).split())


def _column(columns: Sequence[str], wanted: Sequence[str]) -> str | None:
    """The first column with one of the wanted names, in any case."""
    by_lower_case = {name.lower(): name for name in reversed(columns)}
    return next((by_lower_case[name] for name in wanted if name in by_lower_case), None)


def _texts_beside(
    archive: ArchiveFiles, names: ImageNames, manifest: DatasetManifest, sources: ClipSources
) -> Mapping[str, tuple[PurePosixPath, str]]:
    """The text file of each clip: the one with the same name and another suffix."""
    texts: dict[str, tuple[PurePosixPath, str]] = {}
    for entry in archive.files:
        _note_unused(entry, archive.notes)
    for entry in without_repeats(filter(_is_text, archive.files), sources.problems):
        bare = entry.path.with_suffix("")
        name = names.resolve(str(bare), PurePosixPath()) or names.resolve(bare.name, bare.parent)
        if name is None:
            archive.notes.add(
                "skipped_files", "files that belong to no clip are left out", entry.name
            )
        else:
            texts.setdefault(name, (entry.path, text_of(entry, manifest.encoding)))
    return texts


def _is_text(entry: ArchiveEntry) -> bool:
    return entry.path.suffix.lower() in _BESIDE


def _note_unused(entry: ArchiveEntry, notes: NoteCollector) -> None:
    is_table = entry.path.suffix.lower() in _TABLES
    if not (_is_clip(entry) or _is_text(entry) or is_table):
        notes.add("skipped_files", "files that belong to no clip are left out", entry.name)
