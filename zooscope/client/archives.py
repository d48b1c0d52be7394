"""Packs local images into one file for upload."""

import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

from zooscope.client.errors import ZooClientError
from zooscope.client.file_names import wire_name
from zooscope.client.label_files import is_label_file, labeled_members
from zooscope.client.linked_folders import files_below

# A fixed date: the same images make the same archive, which the zoo stores once.
_DATE = (1980, 1, 1, 0, 0, 0)
_FOLDER_MODE = 0o40755 << 16
_FILE_MODE = 0o644 << 16
_MOST_SHOWN = 5

OnNote = Callable[[str], None]


def ignore_note(note: str) -> None:
    """Do nothing."""


class Links(StrEnum):
    """Which symbolic links in a folder are followed."""

    INSIDE = "inside"
    ANYWHERE = "anywhere"


@contextmanager
def archive_of(
    source: Path | Sequence[Path],
    *,
    links: Links = Links.INSIDE,
    on_note: OnNote = ignore_note,
) -> Iterator[Path]:
    """The file to send: ``source`` itself, or a temporary zip of a folder or of a list of images.

    Folders keep their structure, so that sub-folders name classes; hidden files are left out. Of a
    label file, the images are sent that it names.

    Args:
        source: A zip, tar or Parquet file, a folder, a label file, or images.
        links: Which symbolic links are followed.
        on_note: Called with what was left out.

    Raises:
        ZooClientError: ``no_images``, ``link_outside``, or ``duplicate_name`` for two images with the
            same name.
    """
    if isinstance(source, Path) and source.is_file() and not is_label_file(source):
        yield source
        return
    members, empty_folders = _members_of(source, links, on_note)
    if not members:
        raise ZooClientError(
            f"there is no file in {source}",
            code="no_images",
            remedy="pass a zip, tar or Parquet file, a folder of images, or images",
        )
    with tempfile.TemporaryDirectory(prefix="zooscope-") as folder:
        path = Path(folder) / _archive_name(source)
        _write_zip(path, members, empty_folders)
        yield path


def _members_of(
    source: Path | Sequence[Path], links: Links, on_note: OnNote
) -> tuple[dict[str, Path], list[str]]:
    """The files by their name in the archive, in order, and the folders without files."""
    if not isinstance(source, Path):
        return _by_wire_name((path.name, path) for path in source), []
    if is_label_file(source):
        return _by_wire_name(labeled_members(source)), []
    below = files_below(source)
    outside = [name for name in below.links_outside if not _is_hidden(name)]
    if outside and links is Links.INSIDE:
        raise ZooClientError(
            f"{_listed(outside)} of {source} are links that lead out of the folder",
            code="link_outside",
            remedy="pass `--follow-links` (links='anywhere') to upload what they lead to",
        )
    hidden = [name for name, _ in below.files if _is_hidden(name)]
    if hidden:
        on_note(f"{len(hidden)} hidden files left out: {_listed(hidden)}")
    if below.broken_links:
        on_note(f"{len(below.broken_links)} links lead nowhere: {_listed(below.broken_links)}")
    if outside:
        on_note(f"{len(outside)} links out of the folder followed: {_listed(outside)}")
    visible = _by_wire_name((name, path) for name, path in below.files if not _is_hidden(name))
    return visible, [wire_name(name) for name in below.empty_folders if not _is_hidden(name)]


def _by_wire_name(named: Iterable[tuple[str, Path]]) -> dict[str, Path]:
    members: dict[str, Path] = {}
    for local_name, path in named:
        name = wire_name(local_name)
        if name in members:
            raise ZooClientError(
                f"two of the images are called {name}",
                code="duplicate_name",
                remedy="rename one, or send the folder that holds them",
            )
        members[name] = path
    return members


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") for part in name.split("/"))


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_SHOWN} more" if len(names) > _MOST_SHOWN else ""
    return f"{', '.join(names[:_MOST_SHOWN])}{more}"


def _archive_name(source: Path | Sequence[Path]) -> str:
    if not isinstance(source, Path):
        return "images.zip"
    resolved = source.resolve()
    return f"{(resolved.stem if source.is_file() else resolved.name) or 'images'}.zip"


def _write_zip(path: Path, members: dict[str, Path], empty_folders: Iterable[str]) -> None:
    """Write the files uncompressed, since images already are compressed."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, member in members.items():
            info = zipfile.ZipInfo(name, _DATE)
            info.external_attr = _FILE_MODE
            with member.open("rb") as image, archive.open(info, "w") as entry:
                while block := image.read(1024**2):
                    entry.write(block)
        for name in empty_folders:
            info = zipfile.ZipInfo(f"{name}/", _DATE)
            info.external_attr = _FOLDER_MODE
            archive.writestr(info, b"")
