"""Entries of an upload in any format: named images with or without a label."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from service.core.counts import counted
from service.core.errors import RefusedUploadError
from service.core.file_names import LONGEST_PATH, is_printable, normalized

MOST_ENTRIES = 100_000
LARGEST_RATIO = 100
RATIO_APPLIES_ABOVE_BYTES = 10 * 1024**2
_LONGEST_TEXT = 2000
_OWN_NAME = "give each file a name of its own and pack the upload again"


@dataclass(frozen=True)
class Limits:
    """Limits of a dataset; ``image_pixels`` are also those of a frame of a clip."""

    image_bytes: int
    image_pixels: int
    images: int
    probe_images: int
    clips: int
    clip_bytes: int
    clip_seconds: float
    total_bytes: int


Label = str | tuple[str, ...] | None
"""The class of an image; the classes, where an image has several; None where it has no label."""


@dataclass(frozen=True)
class ArchiveEntry:
    """One file of an upload: name, label, and functions that read or copy its bytes.

    ``read`` and ``copy`` raise ImageProblemError if the bytes cannot be read.
    """

    name: str
    label: Label
    size_bytes: int
    read: Callable[[], bytes]
    copy: Callable[[Path], None] | None = None
    mask: "ArchiveEntry | None" = None

    @property
    def path(self) -> PurePosixPath:
        """The name as a path inside the upload."""
        return PurePosixPath(self.name)


@dataclass(frozen=True)
class ImageProblem:
    """Why one file of the dataset, or all of it if the name is empty, cannot be used."""

    name: str
    code: str
    detail: str
    remedy: str = ""

    def __post_init__(self) -> None:
        """Uploads can hold names and values of any length; a report shows their beginning."""
        for field in ("name", "detail", "remedy"):
            object.__setattr__(self, field, readable(getattr(self, field)))


class ImageProblemError(RefusedUploadError):
    """One file cannot be used; others may still be."""

    code = "image_refused"


def readable(text: str) -> str:
    """The text, cut if it is longer than anyone reads."""
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"


def refused(code: str, detail: str, remedy: str) -> RefusedUploadError:
    """The error of an upload that is rejected as a whole."""
    return RefusedUploadError(detail, code=code, remedy=remedy)


def checked_name(name: str) -> PurePosixPath:
    """The name in NFC as a path inside the archive; a backslash counts as a slash.

    Raises:
        ImageProblemError: ``invalid_name``: it leads outside, is too long, or has control characters.
    """
    text = normalized(name).replace("\\", "/")
    path = PurePosixPath(text)
    escapes = path.is_absolute() or ".." in path.parts or bool(PureWindowsPath(text).drive)
    if escapes or not path.parts or len(text) > LONGEST_PATH or not is_printable(text):
        raise ImageProblemError(
            "the name leaves the archive, is too long, has control characters or is not in the"
            " upload's `encoding`",
            code="invalid_name",
            remedy="pack the images again with plain relative names in UTF-8",
        )
    return path


def shown(name: str) -> str:
    """The name with everything unprintable escaped."""
    if is_printable(name):
        return name[:LONGEST_PATH]
    return name[:LONGEST_PATH].encode("unicode_escape").decode("ascii")


def check_image_bytes(size_bytes: int, limit: int) -> None:
    """Rejects a file that is too large for an image. Raises ImageProblemError."""
    if size_bytes > limit:
        raise ImageProblemError(
            f"the image has more than {limit} bytes, the limit that ZOO_MAX_IMAGE_BYTES sets"
        )


def is_noise(path: PurePosixPath) -> bool:
    """Whether a file is metadata of packing tools or operating systems."""
    hidden = any(part.startswith(".") for part in path.parts)
    return hidden or "__MACOSX" in path.parts or path.name in {"Thumbs.db", "desktop.ini"}


def without_repeats(
    entries: Iterable[ArchiveEntry], problems: list[ImageProblem]
) -> Iterator[ArchiveEntry]:
    """The entries, without those whose name occurred before, which become problems."""
    names: set[str] = set()
    for entry in entries:
        if entry.name in names:
            detail = "the upload has two files of this name"
            problems.append(ImageProblem(entry.name, "duplicate_name", detail, _OWN_NAME))
            continue
        names.add(entry.name)
        yield entry


def check_totals(*, entries: int, total_bytes: int, stored_bytes: int, limits: Limits) -> None:
    """Rejects an archive with too many files or too large a content."""
    if entries > MOST_ENTRIES:
        raise refused(
            "too_many_files",
            f"the archive holds {counted(entries, 'file')}, {MOST_ENTRIES} are allowed",
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
