"""Errors of this package."""

from service.core.errors import MethodError, RefusedUploadError
from service.core.file_types import PACK


class ProgramRefusedError(RefusedUploadError):
    """A file contains something unsupported; ``remedy`` says what to change."""

    code = "program_refused"

    def __init__(self, code: str, detail: str, remedy: str = PACK) -> None:
        super().__init__(detail, code=code, remedy=remedy)


class ProgramFailedError(MethodError):
    """A valid program failed during execution; ``detail`` names the node."""

    code = "program_failed"


class NotACutError(MethodError):
    """A network cannot be cut at this layer."""

    code = "not_a_cut"


class NotEnoughMemoryError(MethodError):
    """A network needs more memory than a job may use."""

    code = "out_of_memory"
