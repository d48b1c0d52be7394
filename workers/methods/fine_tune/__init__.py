"""Room of ``fine_tune``: all weights of a network of the zoo, up to a layer, learn a labeled set.

The network is cut at the layer, rows and columns are averaged, a linear layer answers. Batch
statistics stay the source's; its weights learn more slowly than the new layer.

Source: Yosinski et al. 2014, arXiv 1411.1792.
"""

from workers.methods.fine_tune.run import Inputs, Result, run

__all__ = ["Inputs", "Result", "run"]
