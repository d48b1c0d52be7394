"""What an uploaded file may hold, whatever its form: named images with or without a label."""

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
    """The settings that bound a set of images."""

    image_bytes: int
    image_pixels: int
    images: int
    probe_images: int
    total_bytes: int


@dataclass(frozen=True)
class Entry:
    """One file of an upload: its name, its label's name, and a way to its bytes.

    ``read`` raises ImageProblemError for bytes that cannot be had.
    """

    name: str
    label: str | None
    size_bytes: int
    read: Callable[[], bytes]


class ImageProblemError(RefusedUploadError):
    """One image cannot be used; the others may be."""

    code = "image_refused"


def refused(code: str, detail: str, remedy: str) -> RefusedUploadError:
    """The error for an upload that is refused as a whole."""
    return RefusedUploadError(detail, code=code, remedy=remedy)


def checked_name(name: str) -> PurePosixPath:
    """The name as a path below the archive. Raises RefusedUploadError when it leads out of it."""
    path = PurePosixPath(name)
    escapes = path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name
    if escapes or not path.parts or len(name) > _LONGEST_NAME:
        raise refused(
            "bad_name",
            f"the archive holds a path that leaves it or is too long: {name[:80]!r}",
            "pack the images again with plain relative names",
        )
    return path


def is_noise(path: PurePosixPath) -> bool:
    """Whether a file is something that packing tools and systems leave behind."""
    hidden = any(part.startswith(".") for part in path.parts)
    return hidden or "__MACOSX" in path.parts or path.name in {"Thumbs.db", "desktop.ini"}


def folder_label(path: PurePosixPath) -> str | None:
    """The folder a file lies in; None at the top."""
    return path.parts[-2] if len(path.parts) > 1 else None


def check_totals(*, entries: int, total_bytes: int, stored_bytes: int, limits: Limits) -> None:
    """Refuse an archive that is too many files or unpacks to too much."""
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
            "images hardly shrink in archives; pack the images themselves",
        )
