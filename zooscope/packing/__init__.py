"""What ``zooscope pack`` does on the user's own machine: module + checkpoint → pt2 + manifest.

Everything here may run the user's own Python; the service never imports it.
"""

from zooscope.packing.packing import PackedModel, pack
from zooscope.packing.refusal import PackingError
from zooscope.packing.weights import LoadedWeights, load_weights

__all__ = ["LoadedWeights", "PackedModel", "PackingError", "load_weights", "pack"]
