"""Room of ``transferability_map``: how all measured networks of a probe set relate.

Sources: Song et al., NeurIPS 2019 (matrix, tree) and CVPR 2020 (edges).

Axes: ``model`` one network.
"""

from workers.methods.transferability_map.run import Inputs, LeftOut, Result, run

__all__ = ["Inputs", "LeftOut", "Result", "run"]
