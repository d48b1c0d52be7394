"""Room of ``layer_selection``: which layer of one network a new task should be built on.

Every candidate layer of the source network gets a graph, as in DEPARA: attribution maps of the
layer's output as nodes, similarities of its outputs as edges. Each graph is compared with that of
a network trained on the target, at its logits; the layer that is most alike is where to cut.

Source: Song et al., DEPARA, CVPR 2020, section 3.2 and table 2; intervals are ours.

Axes: ``probe`` one image, ``side`` of the canonical frame, ``pixel`` one place of the flattened
map, ``unit`` one number of a layer's output F_k, ``edge`` one pair of probes. k counts layers.
"""

from workers.methods.layer_selection.looking import Side
from workers.methods.layer_selection.run import Inputs, Item, LayerStatus, Result, run

__all__ = ["Inputs", "Item", "LayerStatus", "Result", "Side", "run"]
