"""The reference networks that today's likeness metrics train for a target, and their graphs."""

from pathlib import Path
from typing import Any

from torch import Tensor

from benchmarks.real_run.stages import say
from benchmarks.real_transfer.passes import GRID, PER_CLASS
from benchmarks.real_transfer.storage import read, stored
from benchmarks.real_transfer.targets import LabeledTarget, split_of
from service.core.catalog.measurement import Attribution, Centering
from service.core.catalog.reference_network import ReferenceNetworkParams
from workers.methods import reference_network
from workers.methods.reference_network import ReferenceNetworkData
from workers.programs.exporting import export_network
from workers.torchkit.attribution.attribution import MapSettings, feature_maps
from workers.torchkit.attribution.canonical import Preprocessing
from workers.torchkit.attribution.captum_methods import METHODS
from workers.torchkit.protocols import silent
from workers.torchkit.similarity.edges import probe_products

Facts = dict[str, Any]


def reference_graph(target: LabeledTarget, cache: Path) -> Facts:
    """The graph of a network trained on ten images per class of split 0, with its accuracy."""
    path = cache / f"reference--{target.name.replace(' ', '_')}.safetensors"
    if not path.exists():
        stored(path, *_trained(target, cache))
        say(f"reference network of {target.name}: trained")
    return read(path)


def _trained(target: LabeledTarget, cache: Path) -> tuple[dict[str, Tensor], Facts]:
    chosen = split_of(target.labels, 0).ranking(target.labels, max(PER_CLASS))
    frames, labels = target.frames[chosen], target.labels[chosen]
    classes = tuple(str(number) for number in range(int(labels.max()) + 1))
    data = ReferenceNetworkData(target.name, frames, labels, classes)
    trained = reference_network.run(data, ReferenceNetworkParams(), silent)
    spec = trained.manifest.input
    shape = (spec.channels, spec.height, spec.width)
    program = export_network(trained.network, shape, cache / "reference.pt2")
    maps = feature_maps(
        program,
        frames,
        Preprocessing.of(spec),
        METHODS[Attribution.GRADIENT_X_INPUT],
        settings=MapSettings(grid=GRID),
    )
    gram, sizes = probe_products(maps.features, maps.mask, centering=Centering.RAW)
    tensors = {"maps": maps.maps.half(), "mask": maps.mask, "gram": gram, "sizes": sizes}
    return tensors, {"accuracy": trained.accuracy, "chance": trained.chance}
