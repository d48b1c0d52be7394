"""Why a clip cannot be used, and what is unusual about one that can."""

from dataclasses import dataclass

from service.core.errors import RefusedUploadError


class ClipProblemError(RefusedUploadError):
    """One clip cannot be used; others may still be."""

    code = "clip_refused"


@dataclass(frozen=True)
class ClipRemark:
    """What is unusual about a usable clip."""

    code: str
    detail: str


def clip_problem(code: str, detail: str, remedy: str) -> ClipProblemError:
    """The error of a clip with this code."""
    return ClipProblemError(detail, code=code, remedy=remedy)
