"""Method ``linear_probe``: trains a linear layer on a frozen network's features.

The network is cut at a layer and its output is averaged over rows and columns. Features are
computed once and standardized to mean 0 and deviation 1.

Source: Alain & Bengio 2016, arXiv 1610.01644.
"""

from workers.methods.linear_probe.run import run

__all__ = ["run"]
