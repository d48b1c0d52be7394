"""The files of an archive by what they are: images, label files, Parquet shards, or others."""

from dataclasses import dataclass, field

from workers.methods.dataset_ingestion.archives import ArchiveFiles
from workers.methods.dataset_ingestion.entries import ArchiveEntry, ImageProblemError
from workers.methods.dataset_ingestion.image_kinds import is_named_as_image, looks_like_image

_LABEL_FILES = frozenset({".csv", ".tsv", ".jsonl", ".ndjson"})
_PARQUET = ".parquet"
_SKIPPED = "files that are no images are left out"


@dataclass
class Contents:
    """The files of an archive, sorted."""

    images: list[ArchiveEntry] = field(default_factory=list)
    label_files: list[ArchiveEntry] = field(default_factory=list)
    shards: list[ArchiveEntry] = field(default_factory=list)


def sorted_files(archive: ArchiveFiles) -> Contents:
    """The files by suffix; those without a usual suffix by their first bytes. Others are noted."""
    contents = Contents()
    for entry in archive.files:
        suffix = entry.path.suffix.lower()
        if is_named_as_image(entry.path):
            contents.images.append(entry)
        elif suffix in _LABEL_FILES:
            contents.label_files.append(entry)
        elif suffix == _PARQUET:
            contents.shards.append(entry)
        elif _holds_image(entry, archive.limits.image_bytes):
            contents.images.append(entry)
        else:
            archive.notes.add("skipped_files", _SKIPPED, entry.name)
    if contents.images:
        for entry in contents.shards:
            archive.notes.add("skipped_files", _SKIPPED, entry.name)
    _note_empty_folders(archive, contents.images)
    return contents


def _holds_image(entry: ArchiveEntry, largest: int) -> bool:
    if entry.size_bytes > largest:
        return False
    try:
        return looks_like_image(entry.read())
    except ImageProblemError:
        return False


def _note_empty_folders(archive: ArchiveFiles, images: list[ArchiveEntry]) -> None:
    """Notes the folders without any image below them, which become no classes."""
    filled = {folder for entry in images for folder in entry.path.parents}
    for folder in sorted(archive.folders - filled):
        archive.notes.add("empty_folders", "folders without images name no class", str(folder))
