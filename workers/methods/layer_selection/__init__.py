"""Method ``layer_selection``: the layer of a network from which to transfer to a new task.

Every candidate layer of the source network gets a graph, as in DEPARA: attribution maps of the
layer's output as nodes, similarities of its outputs as edges. Each graph is compared with that of
a network trained on the target, at its logits; the most similar layer is the best cut.

Source: Song et al., DEPARA, CVPR 2020, section 3.2 and table 2; intervals are ours.

Axes: ``probe`` one image, ``side`` of the canonical frame, ``pixel`` one position of the flattened
map, ``unit`` one number of a layer's output F_k, ``edge`` one pair of probes. k counts layers.
"""

from workers.methods.layer_selection.reading import Side
from workers.methods.layer_selection.run import (
    ComparedLayer,
    LayerSelectionData,
    LayerSelectionResult,
    LayerStatus,
    run,
)

__all__ = [
    "ComparedLayer",
    "LayerSelectionData",
    "LayerSelectionResult",
    "LayerStatus",
    "Side",
    "run",
]
