"""The errors of Zooscope.

::

    ZooError
    ├── InvalidRequestError      the request can never succeed as written
    │   └── RefusedUploadError   an uploaded file is invalid
    ├── UnauthenticatedError     no key, or a wrong, revoked or expired one
    ├── ForbiddenError           a valid key without the scope
    ├── NotFoundError            nothing with this id in the project
    ├── ConflictError            the current state does not allow it
    │   ├── FencedError          a worker no longer holds the job
    │   └── BlobDamagedError     stored bytes no longer have their digest
    ├── PreconditionFailedError  the ETag is outdated
    ├── PreconditionRequiredError  the request needs an ETag
    ├── TooLargeError            the input exceeds a limit
    │   └── MessageTooLargeError a gRPC message exceeds the size of its call
    ├── RateLimitedError         too many requests
    ├── UnavailableError         a part (disk, database, queue) is unavailable
    │   └── StorageFullError     a disk or quota has no room
    └── MethodError              a method failed on its inputs

Each API translates the direct subclasses by one table, resolved through the class hierarchy.
``code`` is stable and machine-readable, ``detail`` names the problem, ``remedy`` the fix; where a
later attempt may succeed, ``retry_after_seconds`` says when.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class FieldProblem:
    """One wrong field: JSON ``pointer`` into the request and the ``reason``."""

    pointer: str
    reason: str


@dataclass(frozen=True)
class Candidate:
    """A row that an ambiguous name may stand for."""

    id: str
    name: str
    state: str
    created_at: datetime


@dataclass(frozen=True)
class QuotaExcess:
    """What a request would exceed: the ``quota``, its ``limit``, and what is ``used`` of it."""

    quota: str
    limit: int
    used: int
    requested: int


class ZooError(Exception):
    """The base of all errors; carries what a user needs to fix the cause."""

    code = "zoo_error"
    retry_after_seconds: float | None = None

    def __init__(
        self,
        detail: str,
        *,
        code: str | None = None,
        remedy: str | None = None,
        errors: Sequence[FieldProblem] = (),
        quota: QuotaExcess | None = None,
        candidates: Sequence[Candidate] = (),
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or type(self).code
        self.remedy = remedy
        self.errors = tuple(errors)
        self.quota = quota
        self.candidates = tuple(candidates)
        # A used-up quota does not say when it frees up, unless this is known.
        if retry_after_seconds is not None or quota is not None:
            self.retry_after_seconds = retry_after_seconds


class InvalidRequestError(ZooError):
    """The request can never succeed as written."""

    code = "invalid_request"


class RefusedUploadError(InvalidRequestError):
    """An uploaded file is invalid."""

    code = "upload_refused"


class UnauthenticatedError(ZooError):
    """The API key is missing, unknown, revoked or expired."""

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


class BlobDamagedError(ConflictError):
    """Stored bytes no longer have the digest that names them, so they are never served or used."""

    code = "blob_damaged"

    def __init__(self, sha256: str) -> None:
        super().__init__(
            f"the stored file {sha256} is damaged and was set aside",
            remedy="upload the same file again, or run the job again that made it;"
            " either one repairs everything that needs the file",
        )
        self.sha256 = sha256


class PreconditionFailedError(ZooError):
    """The record has changed since the ETag was read."""

    code = "etag_mismatch"


class PreconditionRequiredError(ZooError):
    """A change must name the ETag of the version that it is based on."""

    code = "etag_required"


class TooLargeError(ZooError):
    """The input exceeds a limit of the settings."""

    code = "too_large"


class MessageTooLargeError(TooLargeError):
    """A gRPC message exceeds the size that messages of its call may have."""

    code = "message_too_large"


class RateLimitedError(ZooError):
    """Too many requests from this key, or too many wrong keys from this address."""

    code = "rate_limited"
    retry_after_seconds = 5


class UnavailableError(ZooError):
    """A part that the request needs is unavailable; a later attempt may succeed."""

    code = "unavailable"
    retry_after_seconds = 10


class StorageFullError(UnavailableError):
    """A disk or a quota has no room; a later attempt may succeed."""

    code = "storage_full"
    retry_after_seconds = 60


class MethodError(ZooError):
    """A method failed on its inputs; a retry does not help."""

    code = "method_failed"
