"""Export of a locally built module (never an uploaded program) to a pt2 file."""

import contextlib
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx import traceback

from workers.programs.machine_faults import raise_machine_fault
from workers.programs.names import name_layers
from workers.programs.program import Program
from workers.programs.reading import read_program
from workers.programs.refusal import ProgramRefusedError

_MOST_IMAGES = 4096
_FIXED_BATCHES = (8, 1)
_SEED = 20_201
_REMEDY = (
    "make forward(images) free of data-dependent Python branches, custom operators and control "
    "flow; check that the manifest's input size is the one that the network was built for"
)


def export_network(network: nn.Module, shape: tuple[int, int, int], path: Path) -> Program:
    """The program read back after exporting ``network`` as a pt2 archive with raw weights.

    The batch axis is free if the network allows it, else fixed to 8 or 1 images.

    Args:
        network: In evaluation mode, on the CPU, in float32.
        shape: Channels, height and width of one image.
        path: Where to write the archive.

    Raises:
        ProgramRefusedError: ``does_not_export``, or an error of the reader.
        OSError: The machine refuses a file that the export needs.
    """
    with _quiet():
        exported = _exported(network, shape)
        name_layers(exported)
        torch.export.save(exported, path)
    return read_program(path)


def example_images(count: int, shape: tuple[int, ...]) -> Tensor:
    """Standard normal noise images, identical on every call."""
    generator = torch.Generator().manual_seed(_SEED)
    return torch.randn(count, *shape, generator=generator)


def _exported(network: nn.Module, shape: tuple[int, int, int]) -> torch.export.ExportedProgram:
    """The exported graph, with a free batch axis if possible."""
    free = ({0: torch.export.Dim("batch", min=1, max=_MOST_IMAGES)},)
    result = _attempt(network, example_images(2, shape), free)
    for batch in _FIXED_BATCHES:
        if isinstance(result, torch.export.ExportedProgram):
            break
        result = _attempt(network, example_images(batch, shape), None)
    if isinstance(result, torch.export.ExportedProgram):
        return result
    raise ProgramRefusedError(
        "does_not_export", f"torch.export failed: {str(result)[:500]}", _REMEDY
    ) from result


def _attempt(
    network: nn.Module, images: Tensor, free: Any
) -> torch.export.ExportedProgram | Exception:
    """The exported graph, or the exception that prevented it. Raises faults of the machine."""
    try:
        with traceback.preserve_node_meta():
            return torch.export.export(network, (images,), dynamic_shapes=free)
    except Exception as error:  # noqa: BLE001 - a user's forward may raise anything; it is reported
        raise_machine_fault(error)
        return error


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Suppresses the exporter's internal warnings."""
    logger = logging.getLogger("torch")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
