"""Method ``fine_tune``: trains all weights of a network, up to a layer, on a labeled set.

The network is cut at the layer, its output is averaged over rows and columns, and a new linear
layer gives the logits. Batch statistics remain those of the source; its weights learn more slowly
than the new layer.

Source: Yosinski et al. 2014, arXiv 1411.1792.
"""

from workers.methods.fine_tune.run import run

__all__ = ["run"]
