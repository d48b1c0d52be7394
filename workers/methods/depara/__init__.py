"""Method ``depara``: the graph of one network on one probe set.

Source: Song et al., DEPARA: Deep Attribution Graph for Deep Knowledge Transferability, CVPR 2020;
its node maps are those of Song et al., NeurIPS 2019.

Axes: ``probe`` one image, ``side`` of the canonical frame, ``pixel`` one position of the flattened
map, ``unit`` one number of the feature F, ``edge`` one unordered pair of probes, ``bucket`` one
number of a sketch.
"""

from workers.methods.depara.run import DeparaData, DeparaResult, run

__all__ = ["DeparaData", "DeparaResult", "run"]
