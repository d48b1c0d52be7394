"""Where networks come from: one reader for each origin, all with the same result.

``NAMED`` lists the origins that a user names; ``zooscope.packing.sources.folder`` recognizes those of files.
A new origin is a row in each of the two and a command in ``zooscope.cli.import_models``.
"""

from collections.abc import Callable, Mapping

from zooscope.packing.sources import (
    checkpoint_networks,
    hub_networks,
    keras_networks,
    onnx_networks,
    timm_networks,
    torchvision_networks,
)
from zooscope.packing.sources.details import Details
from zooscope.packing.sources.folder import FolderEntry, contents_of
from zooscope.packing.sources.network import ImportableNetwork, LoadedNetwork, ReadyFile

__all__ = [
    "NAMED",
    "Details",
    "FolderEntry",
    "ImportableNetwork",
    "LoadedNetwork",
    "ReadyFile",
    "contents_of",
]

NAMED: Mapping[str, Callable[[str, Details], ImportableNetwork]] = {
    "timm": timm_networks.published,
    "torchvision": torchvision_networks.published,
    "hf": hub_networks.of,
    "checkpoint": checkpoint_networks.of,
    "onnx": onnx_networks.of,
    "keras": keras_networks.of,
}
