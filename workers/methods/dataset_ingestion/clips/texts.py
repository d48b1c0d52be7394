"""What an upload says of its clips: tables of transcripts, and text files beside the clips."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
from workers.methods.dataset_ingestion.image_names import ImageNames
from workers.methods.dataset_ingestion.label_columns import require_column
from workers.methods.dataset_ingestion.named_rows import (
    NamedRows,
    ambiguous_rows,
    named_rows,
    text_of,
    unresolved_row,
)

TABLES = frozenset({".csv", ".tsv", ".jsonl", ".ndjson"})
"""Suffixes of tables that name clips."""

_ALIGNMENT = ".align"
_BESIDE = (".txt", _ALIGNMENT)
TRANSCRIPT_COLUMNS = ("transcript", "transcription", "sentence", "text", "words", "label")
PINYIN_COLUMNS = ("pinyin",)
SPEAKER_COLUMNS = ("speaker", "speaker_id")
_START_COLUMNS = ("start", "start_s", "start_seconds", "start_time", "begin")
_END_COLUMNS = ("end", "end_s", "end_seconds", "end_time")
_LONGEST_SPEAKER = 200
_SAME_TEXT = "leave one row for the clip, or write the same transcript into all"


class TextForm(Enum):
    """What a text holds: words alone, or one word a line with its times."""

    WORDS = auto()
    ALIGNMENT = auto()


@dataclass(frozen=True)
class ClipText:
    """What an upload says of a clip, or of its part from ``start`` to ``end``; None where nothing."""

    words: str | None = None
    form: TextForm = TextForm.WORDS
    pinyin: str | None = None
    speaker: str | None = None
    start: str | None = None
    end: str | None = None

    @property
    def is_of_a_part(self) -> bool:
        """Whether it is about a part of the clip."""
        return self.start is not None and self.end is not None


@dataclass
class ClipTexts:
    """The texts by the names of clips, and what is wrong with tables and texts.

    A clip has one text, or one for each of its parts. ``unclear`` are the clips that the tables
    contradict each other about.
    """

    by_name: dict[str, tuple[ClipText, ...]] = field(default_factory=dict)
    unclear: set[str] = field(default_factory=set)
    problems: list[ImageProblem] = field(default_factory=list)

    def of(self, name: str) -> tuple[ClipText, ...]:
        """What is said of a clip, or of its parts."""
        return self.by_name.get(name, (ClipText(),))


def clip_texts(
    archive: ArchiveFiles, clips: Iterable[str], manifest: DatasetManifest
) -> ClipTexts:
    """What is said of every clip, in a table or else in the file beside it.

    Raises:
        RefusedUploadError: ``unknown_column``, ``ambiguous_transcripts`` or ``broken_label_file``.
    """
    texts = ClipTexts()
    names = ImageNames(clips)
    rows = _rows(archive, names, manifest, texts)
    beside = _texts_beside(archive, names, manifest, texts)
    for name in {**rows, **beside}:
        stated = rows.get(name, [ClipText()])
        if len(stated) > 1 and not all(text.is_of_a_part for text in stated):
            detail = "the tables give it different transcripts"
            texts.problems.append(ImageProblem(name, "several_transcripts", detail, _SAME_TEXT))
            texts.unclear.add(name)
        elif len(stated) == 1 and stated[0].words is None and name in beside:
            text = beside[name]
            texts.by_name[name] = (replace(stated[0], words=text.words, form=text.form),)
        else:
            texts.by_name[name] = tuple(stated)
    return texts


def is_text(path: PurePosixPath) -> bool:
    """Whether a file of this name may say what is said in clips."""
    return path.suffix.lower() in {*TABLES, *_BESIDE}


def column_named(columns: Sequence[str], wanted: Sequence[str]) -> str | None:
    """The first column with one of the wanted names, in any case."""
    by_lower_case = {name.lower(): name for name in reversed(columns)}
    return next((by_lower_case[name] for name in wanted if name in by_lower_case), None)


def speaker_of(text: str) -> str | None:
    """The name of a speaker as it is stored; None for an empty one."""
    return normalized(text)[:_LONGEST_SPEAKER] or None


def _rows(
    archive: ArchiveFiles, names: ImageNames, manifest: DatasetManifest, texts: ClipTexts
) -> Mapping[str, list[ClipText]]:
    """What the tables say of each clip; rows without a clip become problems."""
    rows: dict[str, dict[ClipText, None]] = {}
    unresolved: dict[ImageProblem, None] = {}
    for entry in archive.files:
        if entry.path.suffix.lower() not in TABLES:
            continue
        table = named_rows(entry, names, manifest.encoding)
        column = None if table is None else _transcript_column(table, manifest)
        if table is None:
            table = ambiguous_rows(entry, names, manifest.encoding)
            column = None if table is None else _likely_column(table, manifest)
        if table is None or (column is None and not _says_more(table)):
            archive.notes.add(
                "unused_table",
                "tables without transcripts for clips of the upload are not used",
                entry.name,
            )
            continue
        archive.notes.add("transcripts_from", _where_from(column, entry))
        for path, row in _table_rows(table, column):
            named = names.named(path, table.file.parent)
            if len(named) == 1:
                rows.setdefault(named[0], {})[row] = None
            else:
                unresolved[unresolved_row(path, table.file, named, noun="clip")] = None
    texts.problems += unresolved
    return {name: list(stated) for name, stated in rows.items()}


def _where_from(column: str | None, entry: ArchiveEntry) -> str:
    if column is None:
        return f"pinyin or times without transcripts are in {entry.name}"
    return f"the transcripts are in column {column} of {entry.name}"


def _says_more(table: NamedRows) -> bool:
    """Whether a table without transcripts has pinyin, or times of parts."""
    return column_named(table.columns, PINYIN_COLUMNS) is not None or _has_times(table)


def _has_times(table: NamedRows) -> bool:
    edges = (_START_COLUMNS, _END_COLUMNS)
    return all(column_named(table.columns, names) is not None for names in edges)


def _possible_columns(table: NamedRows) -> list[str]:
    """The columns that may hold transcripts."""
    taken = {
        table.paths,
        column_named(table.columns, PINYIN_COLUMNS),
        column_named(table.columns, SPEAKER_COLUMNS),
    }
    if _has_times(table):
        taken |= {column_named(table.columns, names) for names in (_START_COLUMNS, _END_COLUMNS)}
    return [name for name in table.columns if name not in taken]


def _likely_column(table: NamedRows, manifest: DatasetManifest) -> str | None:
    """The column of the transcripts, if its name says so or it is the only one."""
    others = _possible_columns(table)
    wanted = manifest.transcript_column
    if wanted is not None:
        return wanted if wanted in others else None
    usual = column_named(others, TRANSCRIPT_COLUMNS)
    return others[0] if usual is None and len(others) == 1 else usual


def _transcript_column(table: NamedRows, manifest: DatasetManifest) -> str | None:
    wanted = manifest.transcript_column
    if wanted is not None:
        others = [name for name in table.columns if name != table.paths]
        require_column(others, wanted, file=str(table.file), option="transcript_column")
        return wanted
    others = _possible_columns(table)
    column = column_named(others, TRANSCRIPT_COLUMNS)
    if column is None and len(others) > 1:
        raise refused(
            "ambiguous_transcripts",
            f"any of the columns {', '.join(others[:20])} of {table.file} could hold the transcripts",
            "set `transcript_column` (`--transcript-column`) to one of them",
        )
    return column or next(iter(others), None)


def _table_rows(table: NamedRows, column: str | None) -> Iterator[tuple[str, ClipText]]:
    pinyin = column_named(table.columns, PINYIN_COLUMNS)
    speaker = column_named(table.columns, SPEAKER_COLUMNS)
    start, end = (
        column_named(table.columns, names) if _has_times(table) else None
        for names in (_START_COLUMNS, _END_COLUMNS)
    )
    for row in table.rows:
        syllables = None if pinyin is None else _cell(row, pinyin)
        name = None if speaker is None else speaker_of(_cell(row, speaker))
        words = None if column is None else _cell(row, column)
        yield (
            _cell(row, table.paths),
            ClipText(
                words,
                pinyin=syllables or None,
                speaker=name,
                start=(_cell(row, start) or None) if start else None,
                end=(_cell(row, end) or None) if end else None,
            ),
        )


def _cell(row: Mapping[str, Any], column: str) -> str:
    value = row.get(column)
    return "" if value is None else " ".join(str(value).split())


def _texts_beside(
    archive: ArchiveFiles, names: ImageNames, manifest: DatasetManifest, texts: ClipTexts
) -> Mapping[str, ClipText]:
    """The text of the file with the same name and another suffix, by the name of the clip."""
    beside: dict[str, ClipText] = {}
    for entry in without_repeats(filter(_is_beside, archive.files), texts.problems):
        bare = entry.path.with_suffix("")
        name = names.resolve(str(bare), PurePosixPath()) or names.resolve(bare.name, bare.parent)
        if name is None:
            archive.notes.add(
                "skipped_files", "files that belong to no clip are left out", entry.name
            )
        else:
            has_times = entry.path.suffix.lower() == _ALIGNMENT
            form = TextForm.ALIGNMENT if has_times else TextForm.WORDS
            beside.setdefault(name, ClipText(text_of(entry, manifest.encoding), form))
    return beside


def _is_beside(entry: ArchiveEntry) -> bool:
    return entry.path.suffix.lower() in _BESIDE
