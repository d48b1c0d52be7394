"""What ``zooscope pack`` does on the user's own machine: module + checkpoint → pt2 + manifest.

Everything here may run the user's own Python; the service never imports it.
"""

from workers.packing.packing import Packed, pack
from workers.packing.refusal import PackingError
from workers.packing.weights import load_weights

__all__ = ["Packed", "PackingError", "load_weights", "pack"]
