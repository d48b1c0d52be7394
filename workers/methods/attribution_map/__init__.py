"""Method ``attribution_map``: heat maps of the pixels that determine a network's feature.

The network's feature F at a layer is reduced to one number φ(F) = ½‖F‖² or ΣF. A registered
attribution distributes that number over the pixels, and the map is mapped to the canonical RGB
square: one map per network and image, of length 1, with its picture, and one sheet of all of them.

Sources: Song et al., Deep Model Transferability from Attribution Maps, NeurIPS 2019, section 3.2;
every other attribution names its source in ``torchkit.captum_methods``.
"""

from workers.methods.attribution_map.run import (
    AttributionMapData,
    AttributionMapResult,
    ImageStatus,
    Subject,
    run,
)

__all__ = ["AttributionMapData", "AttributionMapResult", "ImageStatus", "Subject", "run"]
