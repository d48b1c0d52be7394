"""What every way of choosing says about the layers of one source for one target.

Edges, RSA and linear CKA are inner products of two unit vectors over pairs of probes, one for the
layer and one for the target network's layer, so one vector for each is all that is kept.

Axes: ``probe`` one image, ``unit`` one number of a feature.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from benchmarks.layer_protocol import networks
from benchmarks.layer_protocol.cuts import Frozen
from benchmarks.layer_protocol.networks import LOGITS, PLAIN_FEATURE, SIDE
from benchmarks.layer_protocol.tasks import INPUT, ImageTask, as_inputs
from service.core.catalog.layer_selection import LayerSelectionParams
from service.core.catalog.measurement import Centering, Channel
from workers.methods import layer_selection
from workers.torchkit.attribution.canonical import Preprocessing
from workers.torchkit.attribution.module_reader import ModuleReader
from workers.torchkit.protocols import silent
from workers.torchkit.similarity.edges import (
    centered,
    cosines_of,
    draw_edges,
    present_edges,
    rank_edges,
    standardized_ranks,
    upper_triangle,
)

_INPUT_SHAPE = (3, SIDE, SIDE)
_FEWEST_REPLICATES = 20


@dataclass(frozen=True)
class LayerSimilarities:
    """Both parts of DEPARA's score for every layer."""

    nodes: list[float]
    edges: list[float]


def depara(
    frozen: Frozen, reference: nn.Sequential, *, target_layer: str = LOGITS, **settings: str
) -> LayerSimilarities:
    """The layers of a source against the reference network, by the method ``layer_selection``."""
    source, probes = frozen.source, frozen.task.probes
    reader = ModuleReader(source.network, source.layers[-1], input_shape=_INPUT_SHAPE)
    target = ModuleReader(reference, target_layer, input_shape=_INPUT_SHAPE)
    inputs = layer_selection.LayerSelectionData(
        source=layer_selection.Side(reader, source.preprocessing),
        layers=tuple(source.layers),
        target=layer_selection.Side(target, Preprocessing.of(INPUT)),
        target_layer=target_layer,
        probes=probes,
    )
    params = LayerSelectionParams(replicates=_FEWEST_REPLICATES).model_copy(update=settings)
    items = {item.layer: item for item in layer_selection.run(inputs, params, silent).items}
    layer_items = [items[layer] for layer in source.layers]
    return LayerSimilarities(
        [item.node_similarity or 0.0 for item in layer_items],
        [item.edge_similarity or 0.0 for item in layer_items],
    )


VARIANTS: Mapping[str, Mapping[str, str]] = {
    "signed mean over channels": {"channel": Channel.MEAN},
    "target's last feature": {"target_layer": PLAIN_FEATURE},
}
"""Other settings of the room; what differs from its defaults."""


def varied(frozen: Frozen, reference: nn.Sequential) -> dict[str, dict[str, list[float]]]:
    """Both parts under every variant."""
    return {
        name: vars(depara(frozen, reference, **settings)) for name, settings in VARIANTS.items()
    }


def raw_edges(features: Tensor) -> Tensor:
    """Standardized ranks of cosines: DEPARA's edges as for layers."""
    return _edges(features, Centering.RAW)


def centered_edges(features: Tensor) -> Tensor:
    """The same with the mean feature taken off first: DEPARA's edges as for tasks."""
    return _edges(features, Centering.CENTERED)


def dissimilarities(features: Tensor) -> Tensor:
    """Standardized ranks of Pearson's correlation of two probes' features.

    Two inner products are RSA: Dwivedi & Roig, CVPR 2019.
    """
    rows = features.double() - features.double().mean(dim=1, keepdim=True)
    everyone = torch.ones(len(rows), dtype=torch.bool)
    cosines = upper_triangle(cosines_of(rows @ rows.T, everyone))
    return standardized_ranks(rank_edges(cosines, present_edges(everyone)))


def kernel(features: Tensor) -> Tensor:
    """The centered Gram matrix at length 1.

    Two inner products are linear CKA: Kornblith et al., ICML 2019, arXiv:1905.00414.
    """
    rows = centered(features.double(), torch.ones(len(features), dtype=torch.bool))
    gram = (rows @ rows.T).flatten()
    return torch.nn.functional.normalize(gram, dim=0)


VIEWS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "edges, raw": raw_edges,
    "edges, centered": centered_edges,
    "RSA": dissimilarities,
    "CKA": kernel,
}
Views = Mapping[str, Tensor]


def views_of(features: Tensor) -> Views:
    """Every view of one layer's output."""
    rows = features.flatten(1)
    return {name: view(rows) for name, view in VIEWS.items()}


def reference_views(reference: nn.Sequential, task: ImageTask) -> dict[str, Views]:
    """Every view of the target network's logits and of its last feature."""
    inputs = as_inputs(task.probes)
    features = networks.features_at_cuts(reference, inputs)[-1]
    with torch.no_grad():
        logits = reference(inputs)
    return {"logits": views_of(logits), "features": views_of(features)}


def agreements(layers: list[Views], reference: Mapping[str, Views]) -> dict[str, list[float]]:
    """Inner product of every view with the target's logits and with its features, by layer."""
    return {
        f"{view} · {output}": [
            float(layer[view].double() @ aim[view].double()) for layer in layers
        ]
        for output, aim in reference.items()
        for view in VIEWS
    }


def _edges(features: Tensor, centering: Centering) -> Tensor:
    everyone = torch.ones(len(features), dtype=torch.bool)
    return standardized_ranks(draw_edges(features, everyone, centering=centering).ranks)
