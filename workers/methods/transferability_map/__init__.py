"""Method ``transferability_map``: relations between all measured networks of a probe set.

Similarities of all pairs are computed once for a set of networks; tree, clusters, plane and
neighbor graph follow for any edge weight. Many networks are placed and grouped by their sketches
instead. Networks with a position in the plane keep it.

Sources: Song et al., NeurIPS 2019 (matrix, tree) and CVPR 2020 (edges).

Axes: ``model`` one network. Symbols: s similarity, λ the weight of edges, k the number of
neighbors.
"""

from workers.methods.transferability_map.from_sketches import SketchedMapResult
from workers.methods.transferability_map.inputs import LeftOut, TransferabilityMapData
from workers.methods.transferability_map.run import TransferabilityMapResult, run

__all__ = [
    "LeftOut",
    "SketchedMapResult",
    "TransferabilityMapData",
    "TransferabilityMapResult",
    "run",
]
