"""Reading a pt2 file as a program."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from service.core.counts import counted
from service.core.manifest import ModelFormat
from workers.programs import limits
from workers.programs.bounded_json import parse_bounded
from workers.programs.graph import ProgramGraph, read_graph
from workers.programs.instructions import Listing
from workers.programs.interface import ProgramInterface, ProgramOutput
from workers.programs.layers import cuts_of
from workers.programs.lowering import lower
from workers.programs.pickle_free import pickle_free
from workers.programs.program import Program
from workers.programs.recognition import refuse_unless
from workers.programs.refusal import ProgramRefusedError
from workers.programs.survey import survey
from workers.programs.weights import read_weights
from workers.programs.zip_archive import ZipArchive

_FLOATS = {torch.float16, torch.bfloat16, torch.float32, torch.float64}
_IMAGE_RANK = 4
_CHANNELS = {1, 3}


def without_pickles(path: Path, target: Path) -> Path:
    """``path``, or ``target`` with the same network if the archive holds pickles.

    Raises:
        ProgramRefusedError: The file is of another kind, or its weights are pickles.
    """
    refuse_unless(path, ModelFormat.PT2)
    return pickle_free(path, _model_name(ZipArchive(path)), target)


def read_program(path: Path) -> Program:
    """The network in a ``torch.export.save`` archive, in float32 on the CPU.

    Nothing in the file is unpickled or evaluated; sample inputs are never opened. Weights are
    views of the mapped file, which must not change during the program's lifetime.

    Raises:
        ProgramRefusedError: The file is of another kind, or contains something unsupported.
    """
    refuse_unless(path, ModelFormat.PT2)
    archive = ZipArchive(path)
    model = _model_name(archive)
    data = archive.read(f"models/{model}.json", at_most=limits.JSON_BYTES)
    graph = read_graph(parse_bounded(data, what="the graph"))
    listing = lower(graph)
    weights = _placed(listing, read_weights(archive, model))
    return _program(graph, listing, weights)


def _model_name(archive: ZipArchive) -> str:
    """The only model of the archive."""
    models = [
        name.removeprefix("models/").removesuffix(".json")
        for name in archive.members
        if name.startswith("models/") and name.endswith(".json")
    ]
    if len(models) != 1:
        raise ProgramRefusedError(
            "not_one_model", f"the archive contains {counted(len(models), 'model')} instead of one"
        )
    order = archive.members.get("byteorder")
    if order is not None and archive.read("byteorder", at_most=16) != b"little":
        raise ProgramRefusedError("byte_order", "the weights are not little-endian")
    return models[0]


def _placed(listing: Listing, weights: Mapping[str, Tensor]) -> dict[int, Tensor]:
    """Weights by slot."""
    missing = [name for name in listing.weights.values() if name not in weights]
    if missing:
        raise ProgramRefusedError(
            "weight_missing", f"the archive lacks the weight {missing[0][:80]}"
        )
    return {slot: weights[name] for slot, name in listing.weights.items()}


def _program(graph: ProgramGraph, listing: Listing, weights: Mapping[int, Tensor]) -> Program:
    """The program with its layers, determined by a dry run."""
    shape = _image_shape(graph)
    least, greatest = graph.batch_range
    fixed = graph.axes[0].symbol is None
    batch = least if fixed else max(least, min(3, greatest))
    listing = listing.with_pointwise(weights)
    surveyed = survey(listing, weights, (batch, *shape), graph.dtype)
    for slot in listing.outputs:
        if surveyed.shapes.get(slot, (0,))[:1] != (batch,):
            raise ProgramRefusedError(
                "output_without_batch",
                "an output does not have one entry per image, or does not depend on the image",
                "return one output per image, stacked along the first axis",
            )
    cuts = cuts_of(listing, surveyed.shapes, batch)
    outputs = tuple(
        ProgramOutput(name, tuple(surveyed.shapes[slot][1:]))
        for name, slot in zip(graph.output_names, listing.outputs, strict=True)
    )
    interface = ProgramInterface(
        cuts.layers, cuts.slots, cuts.feature_layer, shape,
        batch if fixed else None, graph.batch_range,
        outputs[0].shape, surveyed.flops, surveyed.memory, outputs,
    )  # fmt: skip
    native = Program(listing, interface, weights, dtype=graph.dtype, native=graph.dtype)
    return native if graph.dtype is torch.float32 else native.to(dtype=torch.float32)


def _image_shape(graph: ProgramGraph) -> tuple[int, int, int]:
    """Channels, height and width of the image input."""
    sizes = [axis.size for axis in graph.axes[1:]]
    if len(graph.axes) != _IMAGE_RANK or graph.dtype not in _FLOATS or not all(sizes):
        raise ProgramRefusedError(
            "input_not_an_image",
            "the input is not a batch of images (n, channels, height, width) of floats",
            "wrap the network so that forward(images) takes such a batch",
        )
    channels, height, width = (size or 0 for size in sizes)
    if channels not in _CHANNELS:
        raise ProgramRefusedError(
            "input_not_an_image", f"the input has {channels} channels", "wrap it to take 1 or 3"
        )
    if max(height, width) > limits.IMAGE_SIDE:
        raise ProgramRefusedError(
            "image_too_large",
            f"the input is {height} × {width} pixels",
            f"export for at most {limits.IMAGE_SIDE} pixels a side",
        )
    return channels, height, width
