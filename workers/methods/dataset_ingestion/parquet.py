"""Parquet files in the Hugging Face layout: a column of encoded images, optionally labels."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.core.manifest import DatasetManifest
from workers.methods.dataset_ingestion.entries import (
    ArchiveEntry,
    ImageProblemError,
    Limits,
    check_totals,
    refused,
)
from workers.methods.dataset_ingestion.label_columns import label_of, require_no_marks
from workers.methods.dataset_ingestion.notes import NoteCollector
from workers.methods.dataset_ingestion.parquet_columns import ParquetColumns, columns_of
from workers.methods.dataset_ingestion.parquet_splits import RowSplits, stated_splits
from workers.methods.dataset_ingestion.splits import chosen_split, split_kind, split_level
from workers.programs.machine_faults import raise_machine_fault

_ROWS_AT_ONCE = 32
_REWRITE = "write the file again with `datasets` or pyarrow"
_SHARD_FILE = "shard.parquet"
_NUMBER = re.compile(r"[-_.]?\d.*")


@dataclass(frozen=True)
class ParquetReading:
    """What readers of Parquet need besides the file."""

    manifest: DatasetManifest
    limits: Limits
    notes: NoteCollector


@dataclass(frozen=True)
class ParquetRows:
    """The rows of one file or of several as image entries, and the classes that they state."""

    entries: Iterator[ArchiveEntry]
    classes: tuple[str, ...] | None


@contextmanager
def parquet_rows(path: Path, reading: ParquetReading) -> Iterator[ParquetRows]:
    """The rows of a Parquet file as image entries, in batches. Raises RefusedUploadError."""
    with opened_parquet(path, reading.limits) as file:
        columns = columns_of(file.schema_arrow, reading.manifest)
        stated = stated_splits(file, {columns.image, columns.label})
        wanted = reading.manifest.split
        if wanted is not None and stated is None:
            raise refused(
                "unknown_split",
                "a single Parquet file has no splits, unless a column `split` states them",
                "omit `split` (`--split`)",
            )
        if wanted is not None:
            chosen_split(sorted(set(stated or ())), wanted)
        rows = RowSplits(reading.manifest, reading.notes).wanted_rows(stated, prefix="")
        _note_columns(columns, file.schema_arrow.names, reading.notes)
        yield ParquetRows(_rows(file, columns, rows, prefix=""), columns.classes)


@contextmanager
def shard_rows(
    shards: Sequence[ArchiveEntry], folder: Path, reading: ParquetReading
) -> Iterator[ParquetRows]:
    """The rows of several Parquet files in an archive, one after another by name.

    Raises:
        RefusedUploadError: ``several_splits``, ``different_shards``, or a refusal of one file.
    """
    shards = sorted(shards, key=lambda shard: shard.name)
    with copied_shard(shards[0], folder, reading.limits) as file:
        divided = _is_divided(file, reading)
    chosen = shards if divided else shards_of_split(shards, reading)
    with copied_shard(chosen[0], folder, reading.limits) as file:
        columns = columns_of(file.schema_arrow, reading.manifest)
    _note_columns(columns, [], reading.notes)
    yield ParquetRows(_shards(chosen, columns, folder, reading), columns.classes)


def _is_divided(file: Any, reading: ParquetReading) -> bool:
    """Whether a column divides the set."""
    columns = columns_of(file.schema_arrow, reading.manifest)
    return stated_splits(file, {columns.image, columns.label}) is not None


def shards_of_split(shards: list[ArchiveEntry], reading: ParquetReading) -> list[ArchiveEntry]:
    """The shards of the wanted split, by their folders or by their names."""
    wanted = reading.manifest.split
    level = split_level((shard.path for shard in shards), wanted)

    def split(shard: ArchiveEntry) -> str:
        if level is not None:
            return shard.path.parts[level]
        return _NUMBER.sub("", shard.path.stem)

    names = sorted({split(shard) for shard in shards})
    if wanted is None and len({split_kind(name) for name in names}) == 1:
        return shards
    name = chosen_split(names, wanted)
    for shard in shards:
        if split(shard) != name:
            reading.notes.add("other_splits", f"the split {split(shard)} is left out", shard.name)
    return [shard for shard in shards if split(shard) == name]


def _shards(
    shards: Sequence[ArchiveEntry], columns: ParquetColumns, folder: Path, reading: ParquetReading
) -> Iterator[ArchiveEntry]:
    splits = RowSplits(reading.manifest, reading.notes)
    for shard in shards:
        with copied_shard(shard, folder, reading.limits) as file:
            if columns_of(file.schema_arrow, reading.manifest) != columns:
                raise refused(
                    "different_shards",
                    f"{shard.name} has other columns or classes than {shards[0].name}",
                    "upload it as a dataset of its own",
                )
            prefix = f"{shard.path.with_suffix('')}/"
            rows = splits.wanted_rows(
                stated_splits(file, {columns.image, columns.label}), prefix=prefix
            )
            yield from _rows(file, columns, rows, prefix=prefix)


@contextmanager
def copied_shard(shard: ArchiveEntry, folder: Path, limits: Limits) -> Iterator[Any]:
    """A shard as an open file; the copy on disk goes when it is closed."""
    path = folder / _SHARD_FILE
    assert shard.copy is not None, "files of archives can be copied"
    try:
        shard.copy(path)
        with opened_parquet(path, limits, name=shard.name) as file:
            yield file
    except ImageProblemError as error:
        raise refused("broken_parquet", f"{shard.name}: {error.detail}", _REWRITE) from error
    finally:
        path.unlink(missing_ok=True)


@contextmanager
def opened_parquet(path: Path, limits: Limits, *, name: str = "the file") -> Iterator[Any]:
    """An open Parquet file within the limits. Raises RefusedUploadError: ``broken_parquet``."""
    # Imported here because it starts threads, which a process that forks must not have.
    from pyarrow import ArrowException, parquet

    try:
        with parquet.ParquetFile(path, memory_map=True, pre_buffer=False) as file:
            check_totals(
                entries=file.metadata.num_rows,
                total_bytes=_unpacked_bytes(file.metadata),
                stored_bytes=path.stat().st_size,
                limits=limits,
            )
            yield file
    except (ArrowException, OSError) as error:
        raise_machine_fault(error)
        raise refused("broken_parquet", f"{name} cannot be read: {error}", _REWRITE) from error


def _unpacked_bytes(metadata: Any) -> int:
    """Declared uncompressed bytes of all row groups."""
    return sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))


def _note_columns(columns: ParquetColumns, names: Sequence[str], notes: NoteCollector) -> None:
    if columns.label is not None:
        notes.add("labels_from", f"the labels are in the column {columns.label}")
    else:
        listed = ", ".join(names[:20])
        notes.add("no_label_column", f"no column has a usual name of labels: {listed}")


def _rows(
    file: Any, columns: ParquetColumns, rows: Sequence[bool] | None, *, prefix: str
) -> Iterator[ArchiveEntry]:
    """The wanted rows as entries, in the order of the file."""
    wanted = [columns.image] if columns.label is None else [columns.image, columns.label]
    if columns.label is not None:
        labels = file.read(columns=[columns.label], use_threads=False).column(0).to_pylist()
        require_no_marks(labels, column=f"the column {columns.label}")
    row = 0
    for batch in file.iter_batches(batch_size=_ROWS_AT_ONCE, columns=wanted, use_threads=False):
        for values in batch.to_pylist():
            if rows is None or rows[row]:
                label = label_of(values.get(columns.label), columns.classes)
                yield _entry(f"{prefix}{row:06d}", values[columns.image], label)
            row += 1


def _entry(name: str, image: Any, label: Any) -> ArchiveEntry:
    """The entry of one row, named by its number since paths in such files repeat."""
    data = image.get("bytes") if isinstance(image, dict) else image
    path = image.get("path") if isinstance(image, dict) else None

    def read() -> bytes:
        if isinstance(data, bytes):
            return data
        where = "" if path is None else f", but the path {str(path)[:200]} on another machine"
        raise ImageProblemError(
            f"the row contains no image bytes{where}",
            remedy="embed the images, or upload the folder that holds them",
        )

    return ArchiveEntry(name, label, len(data) if isinstance(data, bytes) else 0, read)
