"""All files below a folder, through symbolic links, each link once on the way down."""

import os
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class FilesBelow:
    """Files by their names from the folder on, in order, and what is special about others.

    Attributes:
        files: Name and path of every file.
        links_outside: Links that lead out of the folder; what they lead to is among the files.
        broken_links: Links that lead nowhere or back to a folder above them.
        empty_folders: Folders that hold neither files nor folders.
    """

    files: list[tuple[str, Path]] = field(default_factory=list)
    links_outside: list[str] = field(default_factory=list)
    broken_links: list[str] = field(default_factory=list)
    empty_folders: list[str] = field(default_factory=list)


def files_below(root: Path) -> FilesBelow:
    """Everything below a folder."""
    below = FilesBelow()
    _walk(root, "", below, root=root.resolve(), above=frozenset({root.resolve()}))
    return below


def _walk(
    folder: Path, prefix: str, below: FilesBelow, *, root: Path, above: frozenset[Path]
) -> None:
    """Adds what a folder holds. ``above`` are the real folders on the way, which end a circle."""
    with os.scandir(folder) as scan:
        entries = sorted(scan, key=lambda entry: entry.name)
    if not entries and prefix:
        below.empty_folders.append(prefix.removesuffix("/"))
    for entry in entries:
        name, path = f"{prefix}{entry.name}", Path(entry.path)
        real = path.resolve()
        if entry.is_symlink():
            if not real.exists() or real in above:
                below.broken_links.append(name)
                continue
            if not real.is_relative_to(root):
                below.links_outside.append(name)
        if entry.is_dir():
            _walk(path, f"{name}/", below, root=root, above=above | {real})
        elif entry.is_file():
            below.files.append((name, path))
