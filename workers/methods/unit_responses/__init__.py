"""Method ``unit_responses``: what every output unit of a classifier says of shared images.

A unit's responses to shared probes describe it: networks that were never compared have comparable
descriptors. The response is the log-odds of the unit's class, so that networks that end in softmax
and networks that end in logits respond alike.

Source: Kahana et al., Can this Model Also Recognize Dogs?, 2025, arXiv 2502.09619.

Axes: ``image``; ``unit`` one output of the network.
"""

from workers.methods.unit_responses.run import UnitResponsesData, UnitResponsesResult, run

__all__ = ["UnitResponsesData", "UnitResponsesResult", "run"]
