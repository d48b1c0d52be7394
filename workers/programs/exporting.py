"""Export of a locally built module (never an uploaded program) to a pt2 file."""

import contextlib
import logging
import warnings
from collections.abc import Iterator, Sequence
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
_BATCHES = (None, 8, 1)
_SEED = 20_201
_OF_THE_BATCH = "does_not_run"
_CASTS = {torch.ops.aten.to.dtype, torch.ops.aten.to.dtype_layout, torch.ops.aten.to.device}
_REMEDY = (
    "make forward(images) free of data-dependent Python branches, custom operators and control "
    "flow; check that the manifest's input size is the one that the network was built for"
)


def export_network(
    network: nn.Module,
    shape: tuple[int, int, int],
    path: Path,
    *,
    batches: Sequence[int | None] = _BATCHES,
) -> Program:
    """The program read back after exporting ``network`` as a pt2 archive with raw weights.

    Args:
        network: In evaluation mode, on the CPU, in float32.
        shape: Channels, height and width of one image.
        path: Where to write the archive.
        batches: Sizes of the batch, None for a free one; the first that the network allows is taken.

    Raises:
        ProgramRefusedError: ``does_not_export``, or an error of the reader.
        OSError: The machine refuses a file that the export needs.
    """
    with _quiet():
        exported = _exported(network, shape, batches)
        _remove_idle_casts(exported)
        name_layers(exported)
        # Sample inputs would be saved as a pickle, which no reader of the archive should open.
        exported._example_inputs = None
        torch.export.save(exported, path)
    return read_program(path)


def example_images(count: int, shape: tuple[int, ...]) -> Tensor:
    """Standard normal noise images, identical on every call."""
    generator = torch.Generator().manual_seed(_SEED)
    return torch.randn(count, *shape, generator=generator)


def _exported(
    network: nn.Module, shape: tuple[int, int, int], batches: Sequence[int | None]
) -> torch.export.ExportedProgram:
    """The exported graph."""
    failure: Exception | None = None
    for batch in batches:
        result = _attempt(network, shape, batch)
        if isinstance(result, torch.export.ExportedProgram):
            return result
        if isinstance(result, ProgramRefusedError) and result.code != _OF_THE_BATCH:
            raise result
        failure = result
    if isinstance(failure, ProgramRefusedError):
        raise failure
    raise ProgramRefusedError(
        "does_not_export", f"torch.export failed: {str(failure)[:500]}", _REMEDY
    ) from failure


def _attempt(
    network: nn.Module, shape: tuple[int, int, int], batch: int | None
) -> torch.export.ExportedProgram | Exception:
    """The exported graph, or the exception that prevented it. Raises faults of the machine."""
    free = (
        None if batch is not None else ({0: torch.export.Dim("batch", min=1, max=_MOST_IMAGES)},)
    )
    images = example_images(2 if batch is None else batch, shape)
    try:
        with traceback.preserve_node_meta():
            return torch.export.export(network, (images,), dynamic_shapes=free)
    except Exception as error:  # noqa: BLE001 - a user's forward may raise anything; it is reported
        raise_machine_fault(error)
        return error


def _remove_idle_casts(exported: torch.export.ExportedProgram) -> None:
    """Afterwards no call converts a tensor to the type that it has, which would hide its layer's name."""
    results = {spec.arg.name for spec in exported.graph_signature.output_specs}
    for node in list(exported.graph.nodes):
        if node.target not in _CASTS or node.name in results or True in node.args:
            continue
        source = node.args[0]
        if not node.kwargs.get("copy") and _type(source) == _type(node):
            node.replace_all_uses_with(source)
            exported.graph.erase_node(node)
    exported.graph_module.recompile()


def _type(node: Any) -> tuple[torch.dtype, torch.device]:
    """Element type and device of the value of a node."""
    value = node.meta["val"]
    return value.dtype, value.device


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
