"""Every deliberate error of Zooscope.

::

    ZooError
    ├── InvalidRequestError      the request can never succeed as written
    │   └── RefusedUploadError   an uploaded file is not what it must be
    ├── UnauthenticatedError     no key, or a wrong one
    ├── ForbiddenError           a good key without the scope
    ├── NotFoundError            no such thing in this project
    ├── ConflictError            the thing's state does not allow it now
    │   └── FencedError          a worker lost its claim on a job
    ├── PreconditionFailedError  the ETag sent is not the current one
    ├── PreconditionRequiredError  an ETag must be sent
    ├── TooLargeError            beyond a limit of the settings
    ├── RateLimitedError         too many requests
    ├── UnavailableError         a part (disk, database, queue) cannot serve now
    └── MethodError              a job's method could not finish on these inputs

Doors translate the direct subclasses by one table each, resolved through the class hierarchy.
``code`` is stable and machine-readable, ``detail`` says what was wrong, ``remedy`` what to do.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class FieldProblem:
    """One wrong field: JSON ``pointer`` into the request and the ``reason``."""

    pointer: str
    reason: str


class ZooError(Exception):
    """Root of all deliberate errors; carries what a user needs to fix the cause."""

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
    """An uploaded file is not what it must be."""

    code = "upload_refused"


class UnauthenticatedError(ZooError):
    """No API key was sent, or it is not known."""

    code = "unauthenticated"


class ForbiddenError(ZooError):
    """The API key lacks the scope."""

    code = "forbidden"


class NotFoundError(ZooError):
    """Nothing with this id in the caller's project."""

    code = "not_found"


class ConflictError(ZooError):
    """The state of the thing does not allow the request now."""

    code = "conflict"


class FencedError(ConflictError):
    """A worker no longer owns the job it works on."""

    code = "fenced"


class PreconditionFailedError(ZooError):
    """The thing has changed since the ETag was read."""

    code = "etag_mismatch"


class PreconditionRequiredError(ZooError):
    """A change must name the ETag it was based on."""

    code = "etag_required"


class TooLargeError(ZooError):
    """The input exceeds a limit of the settings."""

    code = "too_large"


class RateLimitedError(ZooError):
    """Too many requests from this key."""

    code = "rate_limited"


class UnavailableError(ZooError):
    """A part the request needs cannot serve now; trying later may succeed."""

    code = "unavailable"


class MethodError(ZooError):
    """A method could not finish on these inputs; repeating it changes nothing."""

    code = "method_failed"
