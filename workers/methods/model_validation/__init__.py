"""The intake check: may this uploaded file be run, and what does it hold?

Magic bytes, bounded headers, every key and shape, one forward and backward pass on a fixed probe.
What passes leaves as one pt2 file that all other rooms read; what does not leaves with reasons.
"""

from workers.methods.model_validation.run import Inputs, Result, run

__all__ = ["Inputs", "Result", "run"]
