"""Turns every error into a problem document (RFC 9457), with the status from one table."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from service.core import errors
from service.core.errors import Candidate, FieldProblem, QuotaExcess, ZooError
from service.core.operations.access import audited_calls
from service.core.tracing import current_trace_id
from service.views.foreseen import DATABASE_AWAY, MACHINE, UNSTORABLE, foreseen
from service.views.problems import problem_of
from service.views.validation import invalid_request

MEDIA_TYPE = "application/problem+json"
_log = structlog.get_logger("zooscope.rest")

STATUS: Mapping[type[ZooError], int] = {
    errors.InvalidRequestError: 422,
    errors.UnauthenticatedError: 401,
    errors.ForbiddenError: 403,
    errors.NotFoundError: 404,
    errors.ConflictError: 409,
    errors.PreconditionFailedError: 412,
    errors.PreconditionRequiredError: 428,
    errors.TooLargeError: 413,
    errors.MessageTooLargeError: 413,
    errors.RateLimitedError: 429,
    errors.UnavailableError: 503,
    errors.StorageFullError: 507,
    errors.MethodError: 422,
}

TITLES: Mapping[int, str] = {
    400: "Malformed request",
    401: "Authentication required",
    403: "Not permitted with this key",
    404: "Not found",
    405: "Method not allowed",
    406: "Not acceptable",
    408: "The request took too long to arrive",
    409: "Conflict with the current state",
    412: "Precondition failed: the resource has changed",
    413: "Too large",
    415: "Unsupported media type",
    416: "Range not satisfiable",
    421: "Host name not served",
    422: "Invalid request",
    428: "ETag required",
    429: "Too many requests",
    431: "Header too long",
    500: "Internal error",
    503: "Temporarily unavailable",
    507: "Storage full",
}

TOO_LARGE_REMEDY = "send less at once; ZOO_MAX_JSON_BYTES and its like bound what a route takes"

_CODES = {400: "bad_request", 404: "no_such_route", 405: "method_not_allowed", 413: "too_large"}


class FieldProblemView(BaseModel):
    """An invalid field: JSON pointer and reason."""

    pointer: str
    reason: str


class QuotaExcessView(BaseModel):
    """The quota that a request exceeds: what the project uses of it, and what the request adds."""

    quota: str
    limit: int
    used: int
    requested: int


class CandidateView(BaseModel):
    """A row that an ambiguous name may stand for."""

    id: str
    name: str
    state: str
    created_at: datetime


class ProblemView(BaseModel):
    """A problem document.

    ``quota`` comes with the code ``quota_exceeded``, ``candidates`` with ``ambiguous_name``.
    """

    type: str
    title: str
    status: int
    code: str
    detail: str
    remedy: str | None = None
    errors: list[FieldProblemView] | None = None
    quota: QuotaExcessView | None = None
    candidates: list[CandidateView] | None = None
    errors_omitted: int | None = None
    instance: str
    trace_id: str


def status_of(error: ZooError) -> int:
    """The HTTP status of an error: that of the nearest class in the table."""
    for kind in type(error).__mro__:
        if kind in STATUS:
            return STATUS[kind]
    return 500


def problem(
    *,
    status: int,
    code: str,
    detail: str,
    instance: str,
    remedy: str | None = None,
    fields: Sequence[FieldProblem] = (),
    quota: QuotaExcess | None = None,
    candidates: Sequence[Candidate] = (),
    omitted: int = 0,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A problem document as a response; empty members are left out.

    ``omitted`` counts the wrong fields beyond those in ``fields``.
    """
    audited_calls.note_code(code)
    view = ProblemView(
        type=f"urn:zooscope:problem:{code}",
        title=TITLES.get(status, "The request failed"),
        status=status,
        code=code,
        detail=detail,
        remedy=remedy,
        errors=[FieldProblemView(pointer=f.pointer, reason=f.reason) for f in fields] or None,
        quota=None if quota is None else QuotaExcessView(**asdict(quota)),
        candidates=[CandidateView(**asdict(candidate)) for candidate in candidates] or None,
        errors_omitted=omitted or None,
        instance=instance,
        trace_id=current_trace_id() or "",
    )
    body = view.model_dump_json(exclude_none=True)
    return Response(body, status, dict(headers or {}), media_type=MEDIA_TYPE)


def problem_response(
    error: ZooError, *, instance: str, headers: Mapping[str, str] | None = None
) -> Response:
    """The problem document of a ZooError."""
    audited_calls.note_error(error)
    shown = problem_of(error)
    return problem(
        status=status_of(error),
        code=shown.code,
        detail=shown.detail,
        remedy=shown.remedy,
        fields=shown.fields,
        omitted=shown.omitted,
        instance=instance,
        quota=error.quota,
        candidates=error.candidates,
        headers={**_headers_of(error), **(headers or {})},
    )


def _headers_of(error: ZooError) -> dict[str, str]:
    """The headers of an error: how to authenticate, or when to try again."""
    if isinstance(error, errors.UnauthenticatedError):
        return {"WWW-Authenticate": "Bearer"}
    if error.retry_after_seconds is not None:
        return {"Retry-After": str(math.ceil(error.retry_after_seconds))}
    return {}


def install(app: FastAPI) -> None:
    """Register handlers that answer every error with a problem document."""
    for kind in (ZooError, *UNSTORABLE, *DATABASE_AWAY, *MACHINE):
        app.add_exception_handler(kind, _on_foreseen)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(ClientDisconnect, _on_disconnect)
    app.add_exception_handler(Exception, _on_crash)


async def _on_foreseen(request: Request, error: Exception) -> Response:
    expected = expected_error(error)
    if expected is None:
        return await _on_crash(request, error)
    return problem_response(expected, instance=request.url.path)


def expected_error(error: Exception) -> ZooError | None:
    """The deliberate error that an exception stands for, logged if an operator must act."""
    if isinstance(error, DATABASE_AWAY):
        _log.error("database_unavailable", error=str(error).splitlines()[0])
    return foreseen(error)


async def _on_validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    invalid = invalid_request(error.errors())
    return problem_response(invalid, instance=request.url.path)


async def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return problem(
        status=error.status_code,
        code=_CODES.get(error.status_code, f"http_{error.status_code}"),
        detail=_detail_of(error, request),
        remedy=TOO_LARGE_REMEDY if error.status_code == 413 else None,  # noqa: PLR2004
        instance=request.url.path,
        headers=error.headers,
    )


def _detail_of(error: HTTPException, request: Request) -> str:
    """The detail of an HTTP error, with the method and path that the framework leaves out."""
    details = {
        404: f"no route matches {request.url.path}",
        405: f"{request.method} is not allowed at {request.url.path}",
        413: "the body exceeds the limit of this route",
    }
    return details.get(error.status_code, str(error.detail))


async def _on_disconnect(request: Request, error: Exception) -> Response:
    del request, error
    return Response(status_code=400)


async def _on_crash(request: Request, error: Exception) -> Response:
    _log.error("crash", exc_info=error)
    return problem(
        status=500,
        code="internal_error",
        detail="unexpected internal error; find it in the log by its trace id",
        instance=request.url.path,
    )
