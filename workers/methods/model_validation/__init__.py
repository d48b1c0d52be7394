"""Method ``model_validation``: whether an uploaded file can be run, and what it contains.

It checks magic bytes, bounded headers, every key and shape, and one forward and backward pass on a
fixed probe. A valid upload becomes one pt2 file that all other methods read; an invalid one is
rejected with its problems.
"""

from workers.methods.model_validation.judgement import TimeLimit
from workers.methods.model_validation.run import ModelValidationData, ModelValidationResult, run

__all__ = ["ModelValidationData", "ModelValidationResult", "TimeLimit", "run"]
