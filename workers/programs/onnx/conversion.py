"""An ONNX file becomes a pt2 archive."""

from collections.abc import Sequence
from pathlib import Path

from workers.programs.exporting import export_network
from workers.programs.onnx.graph import OnnxGraph, read_onnx
from workers.programs.onnx.image_input import ImageInput, image_input_of
from workers.programs.onnx.network import OnnxNetwork, require_supported

ImageShape = tuple[int, int, int]


def convert_onnx(path: Path, shape: ImageShape, target: Path) -> None:
    """``target`` is the network as a pt2 archive, for any number of images if the graph allows it.

    A batch that the file fixes is set free. Whether images are then still independent of each other
    shows the check of the program; if not, use ``convert_with_fixed_batch``.

    Args:
        path: The file; it must not change meanwhile.
        shape: Channels, height and width of an image, for what the file leaves free.
        target: Where to write.

    Raises:
        ProgramRefusedError: The file is hostile, broken or holds what is not read.
    """
    graph = read_onnx(path)
    _convert(graph, shape, target, batches=(None, _fixed_batch(graph) or 1))


def convert_with_fixed_batch(path: Path, shape: ImageShape, target: Path) -> bool:
    """Whether the file fixes its batch; if so, ``target`` is the network for batches of that size.

    Raises:
        ProgramRefusedError: The network cannot be exported.
    """
    graph = read_onnx(path)
    fixed = _fixed_batch(graph)
    if fixed is not None:
        # A program that was read from the file may still be mapped.
        target.unlink(missing_ok=True)
        _convert(graph, shape, target, batches=(fixed,))
    return fixed is not None


def check_onnx(path: Path) -> ImageInput:
    """What the file says about its images; its weights are not loaded.

    Raises:
        ProgramRefusedError: The file is hostile, broken or holds what is not read.
    """
    graph = read_onnx(path)
    require_supported(graph)
    return image_input_of(graph.image)


def _fixed_batch(graph: OnnxGraph) -> int | None:
    return image_input_of(graph.image).batch


def _convert(
    graph: OnnxGraph, shape: ImageShape, target: Path, batches: Sequence[int | None]
) -> None:
    images = image_input_of(graph.image)
    channels, height, width = shape
    network = OnnxNetwork(graph, channels_last=images.channels_last).eval()
    export_network(
        network,
        images.shape(channels=channels, height=height, width=width),
        target,
        batches=batches,
    )
