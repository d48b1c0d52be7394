"""Room of ``linear_probe``: a linear layer learns a labeled set on a frozen network's features.

The network is cut at a layer and rows and columns are averaged there. Features are read once and
brought to mean 0 and deviation 1.

Source: Alain & Bengio 2016, arXiv 1610.01644.
"""

from workers.methods.linear_probe.run import Inputs, Result, run

__all__ = ["Inputs", "Result", "run"]
