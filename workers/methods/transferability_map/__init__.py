"""Method ``transferability_map``: relations between all measured networks of a probe set.

Similarities of all pairs are computed once for a set of networks; tree, clusters, plane and
neighbor graph follow for any edge weight. Networks with a position in the plane keep it.

Sources: Song et al., NeurIPS 2019 (matrix, tree) and CVPR 2020 (edges).

Axes: ``model`` one network. Symbols: s similarity, λ the weight of edges, k the number of
neighbors.
"""

from workers.methods.transferability_map.run import (
    LeftOut,
    TransferabilityMapData,
    TransferabilityMapResult,
    run,
)

__all__ = ["LeftOut", "TransferabilityMapData", "TransferabilityMapResult", "run"]
