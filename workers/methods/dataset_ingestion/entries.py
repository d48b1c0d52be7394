"""Entries of an upload in any format: named images with or without a label."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath

from service.core.errors import RefusedUploadError

MOST_ENTRIES = 100_000
LARGEST_RATIO = 100
RATIO_APPLIES_ABOVE_BYTES = 10 * 1024**2
_LONGEST_NAME = 500


@dataclass(frozen=True)
class Limits:
    """Limits of a dataset of images."""

    image_bytes: int
    image_pixels: int
    images: int
    probe_images: int
    total_bytes: int


@dataclass(frozen=True)
class ArchiveEntry:
    """One file of an upload: name, label and a function that reads its bytes.

    ``read`` raises ImageProblemError if the bytes cannot be read.
    """

    name: str
    label: str | None
    size_bytes: int
    read: Callable[[], bytes]


class ImageProblemError(RefusedUploadError):
    """One image cannot be used; others may still be."""

    code = "image_refused"


def refused(code: str, detail: str, remedy: str) -> RefusedUploadError:
    """The error of an upload that is rejected as a whole."""
    return RefusedUploadError(detail, code=code, remedy=remedy)


def checked_name(name: str) -> PurePosixPath:
    """The name as a path inside the archive. Raises RefusedUploadError if it leads outside."""
    path = PurePosixPath(name)
    escapes = path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name
    if escapes or not path.parts or len(name) > _LONGEST_NAME:
        raise refused(
            "invalid_name",
            f"the archive holds a path that leaves it or is too long: {name[:80]!r}",
            "pack the images again with plain relative names",
        )
    return path


def is_noise(path: PurePosixPath) -> bool:
    """Whether a file is metadata of packing tools or operating systems."""
    hidden = any(part.startswith(".") for part in path.parts)
    return hidden or "__MACOSX" in path.parts or path.name in {"Thumbs.db", "desktop.ini"}


def folder_label(path: PurePosixPath) -> str | None:
    """The folder of a file, or None at the top level."""
    return path.parts[-2] if len(path.parts) > 1 else None


def check_totals(*, entries: int, total_bytes: int, stored_bytes: int, limits: Limits) -> None:
    """Rejects an archive with too many files or too large a content."""
    if entries > MOST_ENTRIES:
        raise refused(
            "too_many_files",
            f"the archive holds {entries} files, {MOST_ENTRIES} are allowed",
            "split the set",
        )
    if total_bytes > limits.total_bytes:
        raise refused(
            "too_large",
            f"the archive unpacks to {total_bytes} bytes, {limits.total_bytes} are allowed",
            "split the set, or raise ZOO_MAX_DATASET_BYTES",
        )
    if total_bytes > max(LARGEST_RATIO * stored_bytes, RATIO_APPLIES_ABOVE_BYTES):
        raise refused(
            "ratio",
            f"the archive unpacks to more than {LARGEST_RATIO} times its size",
            "images hardly compress; pack the image files directly",
        )
