"""A module of our own making (never an uploaded program) becomes a pt2 file that we read back."""

import contextlib
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx import traceback

from workers.machine_faults import raise_machine_fault
from workers.programs.naming import name_layers
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


def export_network(network: nn.Module, shape: tuple[int, int, int], out: Path) -> Program:
    """Write ``network`` as a pt2 archive with raw weights and read it back.

    The batch axis is left free where the network allows it, else fixed to 8 or 1 images.

    Args:
        network: In evaluation mode, on the CPU, in float32.
        shape: Channels, height and width of one image.
        out: Where the archive is written.

    Raises:
        ProgramRefusedError: ``does_not_export``, or what the reader refuses.
        OSError: The machine refused a file that the export needs.
    """
    with _quiet():
        exported = _exported(network, shape)
        name_layers(exported)
        torch.export.save(exported, out)
    return read_program(out)


def example_images(count: int, shape: tuple[int, ...]) -> Tensor:
    """Images of plain noise that are the same on every call; roughly unit normal."""
    generator = torch.Generator().manual_seed(_SEED)
    return torch.randn(count, *shape, generator=generator)


def _exported(network: nn.Module, shape: tuple[int, int, int]) -> torch.export.ExportedProgram:
    """The network as a graph; with a free batch axis if it can be had."""
    free = ({0: torch.export.Dim("batch", min=1, max=_MOST_IMAGES)},)
    found = _attempt(network, example_images(2, shape), free)
    for batch in _FIXED_BATCHES:
        if isinstance(found, torch.export.ExportedProgram):
            break
        found = _attempt(network, example_images(batch, shape), None)
    if isinstance(found, torch.export.ExportedProgram):
        return found
    raise ProgramRefusedError(
        "does_not_export", f"torch.export failed: {str(found)[:500]}", _REMEDY
    ) from found


def _attempt(
    network: nn.Module, images: Tensor, free: Any
) -> torch.export.ExportedProgram | Exception:
    """The exported graph, or why there is none. Raises the machine's own faults."""
    try:
        with traceback.preserve_node_meta():
            return torch.export.export(network, (images,), dynamic_shapes=free)
    except Exception as error:  # noqa: BLE001 - a user's forward may raise anything; it is reported
        raise_machine_fault(error)
        return error


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The exporter's notes about its own insides are no news to anybody here."""
    logger = logging.getLogger("torch")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
