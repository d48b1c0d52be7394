"""Opens an upload with the reader for its first bytes."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from service.core.manifest import DatasetManifest
from workers.methods.dataset_ingestion.archive_images import archive_images
from workers.methods.dataset_ingestion.archives import (
    ArchiveFiles,
    single_file,
    tar_files,
    zip_files,
)
from workers.methods.dataset_ingestion.clips.packing import PackedClip
from workers.methods.dataset_ingestion.clips.texts import TABLES
from workers.methods.dataset_ingestion.contents import sorted_files
from workers.methods.dataset_ingestion.entries import ArchiveEntry, ImageProblem, Limits, refused
from workers.methods.dataset_ingestion.notes import NoteCollector
from workers.methods.dataset_ingestion.parquet import ParquetReading, parquet_rows, shard_rows

UNREADABLE = "send the images as zip, tar or Parquet"
_READABLE_TEXTS = (
    "send a CSV, TSV or JSON lines file that names clips, or a zip of .txt or .align files"
)
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_TAR_MAGIC_AT = 257


@dataclass(frozen=True)
class ClipStock:
    """The clips of a ready dataset, and the file in which they are packed."""

    packed: Path
    clips: tuple[PackedClip, ...]


@dataclass(frozen=True)
class DatasetIngestionData:
    """The uploaded ``file``, its name on the user's machine, its ``manifest``, limits, where to write.

    ``stock`` holds the clips for which the upload has transcripts; None if it has its own.
    """

    file: Path
    filename: str
    manifest: DatasetManifest
    limits: Limits
    folder: Path
    stock: ClipStock | None = None


@dataclass(frozen=True)
class ImageUpload:
    """The images of an upload, still to be decoded."""

    entries: Iterable[ArchiveEntry]
    classes: tuple[str, ...] | None = None
    problems: tuple[ImageProblem, ...] = ()


@contextmanager
def opened_upload(inputs: DatasetIngestionData, notes: NoteCollector) -> Iterator[ImageUpload]:
    """The images, from the reader for the file's first bytes."""
    with inputs.file.open("rb") as file:
        head = file.read(4)
    if head == b"PAR1":
        reading = ParquetReading(inputs.manifest, inputs.limits, notes)
        with parquet_rows(inputs.file, reading) as rows:
            yield ImageUpload(rows.entries, rows.classes)
    else:
        with opened_archive(inputs, notes) as archive, _archived(inputs, archive) as upload:
            yield upload


@contextmanager
def opened_archive(inputs: DatasetIngestionData, notes: NoteCollector) -> Iterator[ArchiveFiles]:
    """The files of a zip or tar archive.

    Raises:
        RefusedUploadError: ``unknown_form``, or the archive is broken or too large.
    """
    with inputs.file.open("rb") as file:
        head = file.read(512)
    encoding = inputs.manifest.encoding
    if head.startswith(_ZIP):
        with zip_files(inputs.file, inputs.limits, notes, encoding) as archive:
            yield archive
    elif _is_tar(head):
        with tar_files(inputs.file, inputs.limits, notes, encoding) as archive:
            yield archive
    else:
        raise refused("unknown_form", "the file is neither zip, nor tar, nor Parquet", UNREADABLE)


@contextmanager
def opened_texts(inputs: DatasetIngestionData, notes: NoteCollector) -> Iterator[ArchiveFiles]:
    """The files that say what is said in clips: a table alone, or those of an archive.

    Raises:
        RefusedUploadError: ``unknown_form``, or the archive is broken or too large.
    """
    if PurePosixPath(inputs.filename).suffix.lower() in TABLES:
        yield single_file(inputs.file, inputs.filename, inputs.limits, notes)
        return
    with inputs.file.open("rb") as file:
        head = file.read(512)
    if not (head.startswith(_ZIP) or _is_tar(head)):
        detail = f"{inputs.filename or 'the upload'} is neither a table nor an archive"
        raise refused("unknown_form", detail, _READABLE_TEXTS)
    with opened_archive(inputs, notes) as archive:
        yield archive


def _is_tar(head: bytes) -> bool:
    compressed = head.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ"))
    return compressed or head[_TAR_MAGIC_AT : _TAR_MAGIC_AT + 5] == b"ustar"


@contextmanager
def _archived(inputs: DatasetIngestionData, archive: ArchiveFiles) -> Iterator[ImageUpload]:
    """The images of an archive: files, or rows of the Parquet shards that it holds."""
    contents = sorted_files(archive)
    if contents.shards and not contents.images:
        reading = ParquetReading(inputs.manifest, inputs.limits, archive.notes)
        with shard_rows(contents.shards, inputs.folder, reading) as rows:
            yield ImageUpload(rows.entries, rows.classes, tuple(archive.problems))
        return
    labeled = archive_images(contents, inputs.manifest, archive.notes)
    yield ImageUpload(labeled.entries, labeled.classes, (*archive.problems, *labeled.problems))
