"""Parquet files with a column of encoded clips, and optionally columns of what is said in them."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from service.core.file_names import printable
from service.core.manifest import DatasetManifest
from workers.methods.dataset_ingestion.clips.texts import (
    PINYIN_COLUMNS,
    SPEAKER_COLUMNS,
    TRANSCRIPT_COLUMNS,
    ClipText,
    column_named,
    speaker_of,
)
from workers.methods.dataset_ingestion.entries import (
    ArchiveEntry,
    ImageProblem,
    ImageProblemError,
    checked_name,
    refused,
    shown,
)
from workers.methods.dataset_ingestion.label_columns import require_column
from workers.methods.dataset_ingestion.parquet import (
    ParquetReading,
    copied_shard,
    opened_parquet,
    shards_of_split,
)
from workers.methods.dataset_ingestion.parquet_columns import columns_of_bytes
from workers.methods.dataset_ingestion.parquet_splits import RowSplits, stated_splits
from workers.methods.dataset_ingestion.splits import chosen_split

_CLIP_COLUMNS = ("clip", "video", "mp4", "bytes", "file", "data")
_NAME_COLUMNS = ("name", "file_name", "filename", "path", "id")
_LAYOUT = "call the column of encoded clips `clip`; it holds bytes, or records {bytes, path}"
_ROWS_AT_ONCE = 32
_LONGEST_CELL = 20_000
_MOST_SHOWN = 20


@dataclass(frozen=True)
class ClipColumns:
    """The columns of a file: encoded clips, and what is said of them; None where there is none."""

    clip: str
    name: str | None
    transcript: str | None
    pinyin: str | None
    speaker: str | None

    @property
    def texts(self) -> list[str]:
        """All columns but that of the clips."""
        columns = (self.name, self.transcript, self.pinyin, self.speaker)
        return [column for column in columns if column is not None]


@dataclass
class ClipParquet:
    """The rows as entries that are copied in this order, with what is said of each."""

    rows: list[tuple[ArchiveEntry, ClipText]] = field(default_factory=list)
    problems: list[ImageProblem] = field(default_factory=list)


@contextmanager
def parquet_clips(path: Path, reading: ParquetReading) -> Iterator[ClipParquet]:
    """The clips of one file. Raises RefusedUploadError."""
    with opened_parquet(path, reading.limits) as file:
        columns = clip_columns(file.schema_arrow, reading.manifest)
        stated = stated_splits(file, {columns.clip, *columns.texts})
        wanted = reading.manifest.split
        if wanted is not None:
            chosen_split(sorted(set(stated or ())), wanted)
        rows = RowSplits(reading.manifest, reading.notes).wanted_rows(stated, prefix="")
        clips, data = ClipParquet(), _RowBytes(file, columns.clip)
        _note(columns, reading)
        _take(clips, file, columns, rows, prefix="", data_at=data.at)
        yield clips


@contextmanager
def shard_clips(
    shards: Sequence[ArchiveEntry], folder: Path, reading: ParquetReading
) -> Iterator[ClipParquet]:
    """The clips of several files in an archive, one after another by name.

    Raises:
        RefusedUploadError: ``several_splits``, ``different_shards``, or a refusal of one file.
    """
    shards = sorted(shards, key=lambda shard: shard.name)
    with copied_shard(shards[0], folder, reading.limits) as file:
        columns = clip_columns(file.schema_arrow, reading.manifest)
        divided = stated_splits(file, {columns.clip, *columns.texts}) is not None
    chosen = shards if divided else shards_of_split(shards, reading)
    splits = RowSplits(reading.manifest, reading.notes)
    _note(columns, reading)
    clips = ClipParquet()
    with ExitStack() as stack:
        opened = _OpenShard(stack, folder, reading, columns.clip)
        for shard in chosen:
            with copied_shard(shard, folder, reading.limits) as file:
                _require_same(columns, file, shard, reading.manifest)
                prefix = f"{shard.path.with_suffix('')}/"
                stated = stated_splits(file, {columns.clip, *columns.texts})
                rows = splits.wanted_rows(stated, prefix=prefix)
                data_at = partial(opened.at, shard)
                _take(clips, file, columns, rows, prefix=prefix, data_at=data_at)
        yield clips


def clip_columns(schema: Any, manifest: DatasetManifest) -> ClipColumns:
    """The columns by their usual names; the clips may be in the only column of bytes.

    Raises:
        RefusedUploadError: ``no_clips``, ``ambiguous_clips`` or ``unknown_column``.
    """
    of_bytes = columns_of_bytes(schema)
    usual = column_named(of_bytes, _CLIP_COLUMNS)
    if usual is None and len(of_bytes) != 1:
        listed = ", ".join((of_bytes or schema.names)[:_MOST_SHOWN])
        raise refused(
            "ambiguous_clips" if of_bytes else "no_clips",
            f"no single column of encoded clips among {listed}",
            _LAYOUT,
        )
    clip = usual or of_bytes[0]
    others = [name for name in schema.names if name not in of_bytes]
    wanted = manifest.transcript_column
    if wanted is not None:
        require_column(others, wanted, file="", option="transcript_column")
    return ClipColumns(
        clip=clip,
        name=column_named(others, _NAME_COLUMNS),
        transcript=wanted or column_named(others, TRANSCRIPT_COLUMNS),
        pinyin=column_named(others, PINYIN_COLUMNS),
        speaker=column_named(others, SPEAKER_COLUMNS),
    )


class _RowBytes:
    """The clips of a file, read one at a time in the order of its rows."""

    def __init__(self, file: Any, column: str) -> None:
        self._batches = file.iter_batches(batch_size=1, columns=[column], use_threads=False)
        self._next = 0

    def at(self, row: int) -> Any:
        """The value at a row, which is not before that of the last call."""
        while True:
            batch = next(self._batches)
            self._next += 1
            if self._next > row:
                return batch.column(0).to_pylist()[0]


class _OpenShard:
    """The shard whose clips are being read; the others lie in the archive."""

    def __init__(
        self, stack: ExitStack, folder: Path, reading: ParquetReading, column: str
    ) -> None:
        self._stack, self._folder, self._reading, self._column = stack, folder, reading, column
        self._shard: ArchiveEntry | None = None
        self._rows: _RowBytes | None = None

    def at(self, shard: ArchiveEntry, row: int) -> Any:
        """The value at a row of a shard; rows and shards are read in order."""
        if self._rows is None or shard is not self._shard:
            self._stack.close()
            copied = copied_shard(shard, self._folder, self._reading.limits)
            self._rows = _RowBytes(self._stack.enter_context(copied), self._column)
            self._shard = shard
        return self._rows.at(row)


def _take(
    clips: ClipParquet,
    file: Any,
    columns: ClipColumns,
    rows: Sequence[bool] | None,
    *,
    prefix: str,
    data_at: Any,
) -> None:
    """Adds the wanted rows of a file, whose clips are read when they are copied."""
    for row, cells in enumerate(_text_cells(file, columns)):
        if rows is not None and not rows[row]:
            continue
        name = _name(cells, columns, f"{prefix}{row:06d}", clips.problems)
        if name is None:
            continue
        entry = ArchiveEntry(
            name, None, 0, partial(_read, data_at, row), partial(_copy, data_at, row)
        )
        speaker = cells.get(columns.speaker)
        text = ClipText(
            words=cells.get(columns.transcript),
            pinyin=cells.get(columns.pinyin) or None,
            speaker=None if speaker is None else speaker_of(speaker),
        )
        clips.rows.append((entry, text))


def _text_cells(file: Any, columns: ClipColumns) -> Iterator[dict[str | None, str | None]]:
    """The texts of every row by column."""
    if not columns.texts:
        yield from ({} for _ in range(file.metadata.num_rows))
        return
    for batch in file.iter_batches(
        batch_size=_ROWS_AT_ONCE, columns=columns.texts, use_threads=False
    ):
        for values in batch.to_pylist():
            yield {name: _cell(value) for name, value in values.items()}


def _cell(value: Any) -> str | None:
    return None if value is None else " ".join(printable(str(value)[:_LONGEST_CELL]).split())


def _name(
    cells: dict[str | None, str | None],
    columns: ClipColumns,
    number: str,
    problems: list[ImageProblem],
) -> str | None:
    """The name of a row's clip, else its number; None if the name is no plain path."""
    stated = cells.get(columns.name)
    if not stated:
        return number
    try:
        return str(checked_name(stated))
    except ImageProblemError as error:
        problem = ImageProblem(shown(stated), error.code, error.detail, error.remedy or "")
        problems.append(problem)
        return None


def _read(data_at: Any, row: int) -> bytes:
    """The bytes of a row's clip. Raises ImageProblemError: ``undecodable``: there are none."""
    value = data_at(row)
    data = value.get("bytes") if isinstance(value, dict) else value
    if isinstance(data, bytes):
        return data
    path = value.get("path") if isinstance(value, dict) else None
    where = "" if path is None else f", but the path {str(path)[:200]} on another machine"
    raise ImageProblemError(
        f"the row contains no bytes of a clip{where}",
        code="undecodable",
        remedy="embed the clips, or upload the folder that holds them",
    )


def _copy(data_at: Any, row: int, target: Path) -> None:
    target.write_bytes(_read(data_at, row))


def _note(columns: ClipColumns, reading: ParquetReading) -> None:
    if columns.transcript is not None:
        reading.notes.add(
            "transcripts_from", f"the transcripts are in the column {columns.transcript}"
        )


def _require_same(
    columns: ClipColumns, file: Any, shard: ArchiveEntry, manifest: DatasetManifest
) -> None:
    """Raises RefusedUploadError: ``different_shards``."""
    if clip_columns(file.schema_arrow, manifest) != columns:
        raise refused(
            "different_shards",
            f"{shard.name} has other columns than the first file",
            "upload it as a dataset of its own",
        )
