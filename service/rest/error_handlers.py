"""Turns every error into a problem document (RFC 9457), with the status from one table."""

from collections.abc import Mapping, Sequence

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from service.core import errors
from service.core.errors import FieldProblem, ZooError
from service.core.tracing import current_trace_id
from service.views.foreseen import DATABASE_AWAY, UNSTORABLE, foreseen
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
    errors.RateLimitedError: 429,
    errors.UnavailableError: 503,
    errors.MethodError: 422,
}

TITLES: Mapping[int, str] = {
    400: "Malformed request",
    401: "Authentication required",
    403: "Not permitted with this key",
    404: "Not found",
    405: "Method not allowed",
    406: "Not acceptable",
    409: "Conflict with the current state",
    412: "Precondition failed: the resource has changed",
    413: "Too large",
    415: "Unsupported media type",
    416: "Range not satisfiable",
    421: "Host name not served",
    422: "Invalid request",
    428: "ETag required",
    429: "Too many requests",
    500: "Internal error",
    503: "Temporarily unavailable",
}

_CODES = {400: "bad_request", 404: "no_such_route", 405: "method_not_allowed", 413: "too_large"}


class FieldProblemView(BaseModel):
    """An invalid field: JSON pointer and reason."""

    pointer: str
    reason: str


class ProblemView(BaseModel):
    """A problem document."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    remedy: str | None = None
    errors: list[FieldProblemView] | None = None
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
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A problem document as a response; empty members are left out."""
    view = ProblemView(
        type=f"urn:zooscope:problem:{code}",
        title=TITLES.get(status, "The request failed"),
        status=status,
        code=code,
        detail=detail,
        remedy=remedy,
        errors=[FieldProblemView(pointer=f.pointer, reason=f.reason) for f in fields] or None,
        instance=instance,
        trace_id=current_trace_id() or "",
    )
    body = view.model_dump_json(exclude_none=True)
    return Response(body, status, dict(headers or {}), media_type=MEDIA_TYPE)


def problem_response(error: ZooError, *, instance: str) -> Response:
    """The problem document of a ZooError."""
    status = status_of(error)
    headers = {401: {"WWW-Authenticate": "Bearer"}, 429: {"Retry-After": "5"}}
    return problem(
        status=status,
        code=error.code,
        detail=error.detail,
        remedy=error.remedy,
        fields=error.errors,
        instance=instance,
        headers=headers.get(status, {"Retry-After": "10"} if status == 503 else {}),  # noqa: PLR2004
    )


def install(app: FastAPI) -> None:
    """Register handlers that answer every error with a problem document."""
    for kind in (ZooError, *UNSTORABLE, *DATABASE_AWAY):
        app.add_exception_handler(kind, _on_foreseen)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(ClientDisconnect, _on_disconnect)
    app.add_exception_handler(Exception, _on_crash)


async def _on_foreseen(request: Request, error: Exception) -> Response:
    if isinstance(error, DATABASE_AWAY):
        _log.error("database_unavailable", error=str(error).splitlines()[0])
    expected = foreseen(error)
    assert expected is not None
    return problem_response(expected, instance=request.url.path)


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
