"""The errors of Zooscope.

::

    ZooError
    ├── InvalidRequestError      the request can never succeed as written
    │   └── RefusedUploadError   an uploaded file is invalid
    ├── UnauthenticatedError     no key, or a wrong one
    ├── ForbiddenError           a valid key without the scope
    ├── NotFoundError            nothing with this id in the project
    ├── ConflictError            the current state does not allow it
    │   └── FencedError          a worker no longer holds the job
    ├── PreconditionFailedError  the ETag is outdated
    ├── PreconditionRequiredError  the request needs an ETag
    ├── TooLargeError            the input exceeds a limit
    ├── RateLimitedError         too many requests
    ├── UnavailableError         a part (disk, database, queue) is unavailable
    └── MethodError              a method failed on its inputs

Each API translates the direct subclasses by one table, resolved through the class hierarchy.
``code`` is stable and machine-readable, ``detail`` names the problem, ``remedy`` the fix.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class FieldProblem:
    """One wrong field: JSON ``pointer`` into the request and the ``reason``."""

    pointer: str
    reason: str


class ZooError(Exception):
    """The base of all errors; carries what a user needs to fix the cause."""

    code = "zoo_error"

    def __init__(
        self,
        detail: str,
        *,
        code: str | None = None,
        remedy: str | None = None,
        errors: Sequence[FieldProblem] = (),
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or type(self).code
        self.remedy = remedy
        self.errors = tuple(errors)


class InvalidRequestError(ZooError):
    """The request can never succeed as written."""

    code = "invalid_request"


class RefusedUploadError(InvalidRequestError):
    """An uploaded file is invalid."""

    code = "upload_refused"


class UnauthenticatedError(ZooError):
    """The API key is missing or unknown."""

    code = "unauthenticated"


class ForbiddenError(ZooError):
    """The API key lacks the scope."""

    code = "forbidden"


class NotFoundError(ZooError):
    """Nothing with this id in the caller's project."""

    code = "not_found"


class ConflictError(ZooError):
    """The current state does not allow the request."""

    code = "conflict"


class FencedError(ConflictError):
    """A worker no longer holds the job that it runs."""

    code = "fenced"


class PreconditionFailedError(ZooError):
    """The record has changed since the ETag was read."""

    code = "etag_mismatch"


class PreconditionRequiredError(ZooError):
    """A change must name the ETag of the version that it is based on."""

    code = "etag_required"


class TooLargeError(ZooError):
    """The input exceeds a limit of the settings."""

    code = "too_large"


class RateLimitedError(ZooError):
    """Too many requests from this key."""

    code = "rate_limited"


class UnavailableError(ZooError):
    """A part that the request needs is unavailable; a later attempt may succeed."""

    code = "unavailable"


class MethodError(ZooError):
    """A method failed on its inputs; a retry does not help."""

    code = "method_failed"
