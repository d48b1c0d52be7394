"""Parquet files in the Hugging Face layout: a column of encoded images, optionally labels."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from workers.methods.dataset_ingestion.entries import (
    ArchiveEntry,
    ImageProblemError,
    Limits,
    check_totals,
    refused,
)
from workers.programs.machine_faults import raise_machine_fault

_ROWS_AT_ONCE = 32
_LAYOUT = (
    "use a column `image` of {bytes, path} or of bytes, and a column `label` of integers or text"
)


@contextmanager
def parquet_entries(path: Path, limits: Limits) -> Iterator[Iterator[ArchiveEntry]]:
    """The rows of a Parquet file as image entries, in batches. Raises RefusedUploadError."""
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
            yield _rows(file, _columns(file.schema_arrow))
    except (ArrowException, OSError) as error:
        raise_machine_fault(error)
        raise refused("broken_parquet", f"the file cannot be read: {error}", _LAYOUT) from error


def _unpacked_bytes(metadata: Any) -> int:
    """Declared uncompressed bytes of all row groups."""
    return sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))


def _columns(schema: Any) -> tuple[str, str | None]:
    """Names of the image column and of the label column."""
    names = list(schema.names)
    image = next((name for name in ("image", "img", "bytes") if name in names), None)
    if image is None:
        raise refused("no_images", f"no column `image` among {names[:20]}", _LAYOUT)
    return image, next((name for name in ("label", "labels", "class") if name in names), None)


def class_names(schema: Any, column: str) -> list[str] | None:
    """Names of the integer labels, if the file's metadata contains them."""
    try:
        info = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        names = info["info"]["features"][column]["names"]
    except (ValueError, KeyError, TypeError):
        return None
    return [str(name) for name in names] if isinstance(names, list) else None


def _rows(file: Any, columns: tuple[str, str | None]) -> Iterator[ArchiveEntry]:
    """Rows as entries, in the order of the file."""
    image, label = columns
    names = class_names(file.schema_arrow, label) if label else None
    wanted = [image] if label is None else [image, label]
    row = 0
    for batch in file.iter_batches(batch_size=_ROWS_AT_ONCE, columns=wanted, use_threads=False):
        for values in batch.to_pylist():
            yield _entry(row, values[image], _label(values.get(label), names))
            row += 1


def _label(value: Any, names: list[str] | None) -> str | None:
    """A label's name: from the metadata for integers, else the value itself; None for -1."""
    if value is None or (isinstance(value, int) and value < 0):
        return None
    if names is not None and isinstance(value, int) and value < len(names):
        return names[value]
    return str(value)


def _entry(row: int, image: Any, label: str | None) -> ArchiveEntry:
    """The entry of one row, named by its number since paths in such files repeat."""
    data = image.get("bytes") if isinstance(image, dict) else image

    def read() -> bytes:
        if not isinstance(data, bytes):
            raise ImageProblemError("the row contains no image bytes")
        return data

    return ArchiveEntry(f"{row:06d}", label, len(data) if isinstance(data, bytes) else 0, read)
