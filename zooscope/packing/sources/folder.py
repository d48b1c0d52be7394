"""What a folder holds: every network in it, with its reader, and what cannot be imported, with the reason."""

import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from service.core import file_types
from service.core.file_types import FileKind
from service.core.manifest import ModelFormat
from workers.programs.recognition import kind_of
from workers.programs.refusal import ProgramRefusedError
from zooscope.packing.checkpoints import files_of
from zooscope.packing.refusal import PackingError
from zooscope.packing.sources import (
    checkpoint_networks,
    hub_networks,
    keras_networks,
    onnx_networks,
)
from zooscope.packing.sources.details import Details
from zooscope.packing.sources.network import ImportableNetwork

_NO_NETWORKS = {FileKind.TEXT, FileKind.IMAGE, FileKind.EMPTY, FileKind.UNKNOWN, FileKind.ZIP,
                FileKind.NUMPY, FileKind.TAR, FileKind.COMPRESSED, FileKind.EXECUTABLE}  # fmt: skip
_NETWORK_ENDINGS = (
    *checkpoint_networks.ENDINGS,
    ".pt2",
    ".onnx",
    ".h5",
    ".keras",
    ".tflite",
    ".gguf",
)
_KERAS = {FileKind.KERAS, FileKind.KERAS_H5}
_CHECKPOINTS = {FileKind.CHECKPOINT, FileKind.SAFETENSORS, FileKind.PICKLE}


@dataclass(frozen=True)
class FolderEntry:
    """A file or folder that holds a network. ``read`` describes it, or raises why it cannot be imported."""

    path: Path
    kind: str
    read: Callable[[Details], ImportableNetwork]


@dataclass(frozen=True)
class SkippedFile:
    """A file that has the name of a network's, but not the content."""

    path: Path
    kind: FileKind

    @property
    def reason(self) -> str:
        """What the file is, and what may have happened to it."""
        hint = (
            "if it is a Git LFS pointer, run `git lfs pull`; otherwise download the file again"
            if self.kind is FileKind.TEXT
            else "download or save the file again"
        )
        return f"its name is that of a network, but it is {self.kind}; {hint}"


@dataclass(frozen=True)
class FolderContents:
    """The networks in a folder, by path, what only looks like one, and the number of other files."""

    entries: tuple[FolderEntry, ...]
    skipped: tuple[SkippedFile, ...]
    without_network: int


def contents_of(root: Path) -> FolderContents:
    """Everything in a folder and the folders below it, but for hidden files and links that lead out.

    Raises:
        PackingError: ``not_a_folder``.
    """
    if not root.is_dir():
        raise PackingError("not_a_folder", f"{root} is not a folder", "check the path")
    entries: list[FolderEntry] = []
    skipped: list[SkippedFile] = []
    others = 0
    for path in _walk(root, top=root.resolve(), visited=set()):
        entry = _entry_of(path)
        if entry is not None:
            entries.append(entry)
        elif path.name.lower().endswith(_NETWORK_ENDINGS):
            skipped.append(SkippedFile(path, kind_of(path)))
        else:
            others += 1
    return FolderContents(tuple(entries), tuple(skipped), others)


def _walk(root: Path, *, top: Path, visited: set[Path]) -> Iterator[Path]:
    """Folders that hold one network as a whole, and files elsewhere; one path for all shards."""
    if root.resolve() in visited:
        return
    visited.add(root.resolve())
    if hub_networks.is_folder(root):
        yield root
        return
    covered: set[Path] = set()
    for path in sorted(root.iterdir(), key=_indexes_first):
        if path.name.startswith(".") or path in covered or _leads_out(path, top):
            continue
        if path.is_dir():
            yield from _walk(path, top=top, visited=visited)
        elif path.is_file() and not _is_manifest(path):
            covered.update(_shards(path))
            yield path


def _leads_out(path: Path, top: Path) -> bool:
    """Whether a path is a link to something outside of the folder that is imported."""
    return path.is_symlink() and not path.resolve().is_relative_to(top)


def _indexes_first(path: Path) -> tuple[bool, str]:
    return not path.name.endswith(".index.json"), path.name


def _shards(path: Path) -> tuple[Path, ...]:
    """The shards that the path stands for; none if they are incomplete, which its reader reports."""
    try:
        return files_of(path)
    except PackingError:
        return ()


def _is_manifest(path: Path) -> bool:
    """Whether the file only describes another one."""
    return path.name.endswith(".manifest.json")


def _entry_of(path: Path) -> FolderEntry | None:
    """How to import a path; None if it holds no network."""
    if path.is_dir():
        # What a hub folder states about itself counts more than options for all.
        def read(details: Details) -> ImportableNetwork:
            return hub_networks.of_folder(path, replace(details, size=None))

        return FolderEntry(path, "hub folder", read)
    if checkpoint_networks.is_ready(path):
        return FolderEntry(
            path, "packed", lambda details: checkpoint_networks.ready(str(path), details)
        )
    if path.name.endswith(".index.json"):
        return FolderEntry(
            path, "shards", lambda details: checkpoint_networks.of_many(str(path), details)
        )
    return _by_content(path)


def _by_content(path: Path) -> FolderEntry | None:
    """The entry of a file by its first and last bytes."""
    try:
        kind = kind_of(path)
    except ProgramRefusedError:
        kind = _kind_of_odd_archive(path)
    if kind in _NO_NETWORKS:
        return None
    if kind in _CHECKPOINTS:
        return FolderEntry(
            path, "checkpoint", lambda details: checkpoint_networks.of_many(str(path), details)
        )
    if kind is FileKind.ONNX:
        return FolderEntry(path, "ONNX", lambda details: onnx_networks.of(str(path), details))
    if kind in _KERAS:
        return FolderEntry(path, "Keras", lambda details: keras_networks.of(str(path), details))
    return FolderEntry(path, kind.value, lambda _: _refuse(path, kind))


def _kind_of_odd_archive(path: Path) -> FileKind:
    """The kind of a zip archive that no exporter wrote: a checkpoint if it holds the pickle of one."""
    try:
        with zipfile.ZipFile(path) as archive:
            holds_pickle = any(name.endswith("data.pkl") for name in archive.namelist())
    except zipfile.BadZipFile:
        holds_pickle = path.name.lower().endswith(checkpoint_networks.ENDINGS)
    return FileKind.CHECKPOINT if holds_pickle else FileKind.ZIP


def _refuse(path: Path, kind: FileKind) -> ImportableNetwork:
    """Raises PackingError: why a file of this kind cannot be imported."""
    if kind is FileKind.PT2:
        raise PackingError(
            "invalid_manifest",
            f"{path.name} has no manifest beside it",
            f"write {checkpoint_networks.stem_of(path)}.manifest.json",
        )
    why = file_types.refusal(kind, form=ModelFormat.PT2)
    raise PackingError(why.code, f"{path.name}: {why.detail}", why.remedy or "")
