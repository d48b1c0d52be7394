"""How this package says no, and why."""

from service.core.errors import MethodError, RefusedUploadError
from service.core.recognition import PACK


class ProgramRefusedError(RefusedUploadError):
    """A file holds something that is never read; ``code`` tells what, ``remedy`` what to change."""

    code = "program_refused"

    def __init__(self, code: str, detail: str, remedy: str = PACK) -> None:
        super().__init__(detail, code=code, remedy=remedy)


class ProgramFailedError(MethodError):
    """A program that was read stopped while it ran; ``detail`` names the node."""

    code = "program_failed"


class NotACutError(MethodError):
    """A network cannot be parted at this layer."""

    code = "not_a_cut"
