"""ONNX files, which the zoo reads itself: they are described here and uploaded as they are."""

from pathlib import Path
from typing import Any

from service.core.file_types import FileKind
from service.core.manifest import ModelFormat
from workers.programs.onnx import ImageInput, check_onnx
from workers.programs.recognition import kind_of
from zooscope.packing.refusal import PackingError
from zooscope.packing.sources.checkpoint_networks import manifest_beside, read_note, written_in
from zooscope.packing.sources.details import Details, line
from zooscope.packing.sources.network import ImportableNetwork, ReadyFile, revision_of


def of(name: str, details: Details) -> ImportableNetwork:
    """The network in an ONNX file; a manifest beside it, or ``details.manifest``, says what it lacks.

    Raises:
        PackingError: ``not_onnx`` or ``invalid_manifest``.
        ProgramRefusedError: The zoo would refuse the file.
    """
    path = Path(name)
    if not path.is_file() or kind_of(path) is not FileKind.ONNX:
        raise PackingError("not_onnx", f"{path} is no ONNX file", "check the path")
    images = check_onnx(path)
    beside = manifest_beside(path) if details.manifest is None else None
    written = written_in(beside or details.manifest)
    stated: dict[str, Any] = {
        "name": path.stem,
        "source": line(f"file: {path.name}"),
        **written,
        "format": ModelFormat.ONNX.value,
        "input": _stated_input(images) | dict(written.get("input") or {}),
    }
    fixed = (f"the file fixes the batch to {images.batch}",) if images.batch else ()
    notes = (*read_note(beside), *fixed)
    return ImportableNetwork(name, stated, lambda: ReadyFile(path, revision_of([path])), notes)


def _stated_input(images: ImageInput) -> dict[str, Any]:
    """The sizes that the file fixes."""
    sizes = {"channels": images.channels, "height": images.height, "width": images.width}
    return {name: size for name, size in sizes.items() if size is not None}
