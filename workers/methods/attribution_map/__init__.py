"""Heat maps of networks on chosen images: which pixels their features owe themselves to.

The network's feature F at a layer is reduced to one number φ(F) = ½‖F‖² or ΣF; a registered
attribution spreads that number over the pixels, and the map is laid back on the canonical RGB
square. One map per network and image, of length 1, with its picture, and one sheet of them all.

Sources: Song et al., Deep Model Transferability from Attribution Maps, NeurIPS 2019, section 3.2;
each further attribution names its own in ``torchkit.captum_methods``.
"""

from workers.methods.attribution_map.run import ImageStatus, Inputs, Result, Subject, run

__all__ = ["ImageStatus", "Inputs", "Result", "Subject", "run"]
