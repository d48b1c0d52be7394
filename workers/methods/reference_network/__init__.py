"""Method ``reference_network``: a small network trained on a labeled target.

DEPARA compares candidates with a network trained on the target's own data, even a weak one.

Source: Song et al., CVPR 2020, layer selection: "DNN-Target"; the network itself is ours.

Axes: ``image``, ``side`` of the canonical frame, ``channel row column`` the network's input,
``label`` one class.
"""

from workers.methods.reference_network.run import ReferenceNetworkData, ReferenceNetworkResult, run

__all__ = ["ReferenceNetworkData", "ReferenceNetworkResult", "run"]
