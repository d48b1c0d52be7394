"""Uploaded networks in, one executable form out.

``read_program`` reads a ``torch.export.save`` archive with its own reader: the zip is bounded, the
JSON graph is checked, weights are read raw, operators come from an allow-list, and nothing is
unpickled or evaluated. The result is a ``Program``, which methods run, cut and differentiate.
"""

from service.core.file_types import FileKind
from workers.programs.interface import BatchNorm, ProgramLayer
from workers.programs.liveness import PassKind
from workers.programs.nonlinearities import EPSILON, ProgramSlope
from workers.programs.program import OUTPUT, Program
from workers.programs.reading import read_program, without_pickles
from workers.programs.recognition import kind_of
from workers.programs.refusal import NotACutError, ProgramFailedError, ProgramRefusedError

__all__ = [
    "EPSILON",
    "OUTPUT",
    "BatchNorm",
    "FileKind",
    "NotACutError",
    "PassKind",
    "Program",
    "ProgramFailedError",
    "ProgramLayer",
    "ProgramRefusedError",
    "ProgramSlope",
    "kind_of",
    "read_program",
    "without_pickles",
]
