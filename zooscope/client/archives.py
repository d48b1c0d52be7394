"""Packs local images into one file for upload."""

import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from zooscope.client.errors import ZooClientError

# A fixed date: the same images make the same archive, which the zoo stores once.
_DATE = (1980, 1, 1, 0, 0, 0)


@contextmanager
def archive_of(source: Path | Sequence[Path]) -> Iterator[Path]:
    """The file to send: ``source`` itself, or a temporary zip of a folder or of a list of images.

    Folders keep their structure, so that sub-folders name classes; hidden files are left out.

    Raises:
        ZooClientError: ``no_images``, or ``duplicate_name`` for two images with the same name.
    """
    if isinstance(source, Path) and source.is_file():
        yield source
        return
    members = _members_of(source)
    if not members:
        raise ZooClientError(
            f"there is no file in {source}",
            code="no_images",
            remedy="pass a zip, tar or Parquet file, a folder of images, or images",
        )
    with tempfile.TemporaryDirectory(prefix="zooscope-") as folder:
        path = Path(folder) / _archive_name(source)
        _write_zip(path, members)
        yield path


def _members_of(source: Path | Sequence[Path]) -> dict[str, Path]:
    """The files by their name in the archive, in order."""
    if isinstance(source, Path):
        files = sorted(path for path in source.rglob("*") if path.is_file())
        names = {path.relative_to(source).as_posix(): path for path in files}
        return {name: path for name, path in names.items() if not _is_hidden(name)}
    members: dict[str, Path] = {}
    for path in source:
        if path.name in members:
            raise ZooClientError(
                f"two of the images are called {path.name}",
                code="duplicate_name",
                remedy="rename one, or send the folder that holds them",
            )
        members[path.name] = path
    return members


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") for part in name.split("/"))


def _archive_name(source: Path | Sequence[Path]) -> str:
    return f"{source.resolve().name or 'images'}.zip" if isinstance(source, Path) else "images.zip"


def _write_zip(path: Path, members: dict[str, Path]) -> None:
    """Write the files uncompressed, since images already are compressed."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, member in members.items():
            info = zipfile.ZipInfo(name, _DATE)
            info.external_attr = 0o644 << 16
            with member.open("rb") as image, archive.open(info, "w") as entry:
                while block := image.read(1024**2):
                    entry.write(block)
