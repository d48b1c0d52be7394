"""Errors of the client.

::

    ZooClientError            the zoo refused the request: code, detail and remedy
    └── UnreachableError      the zoo did not answer, or the connection broke
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import httpx


@dataclass(frozen=True)
class InvalidField:
    """An invalid field of a request: JSON ``pointer`` and ``reason``."""

    pointer: str
    reason: str


class ZooClientError(Exception):
    """The zoo refused a request, or an operation failed.

    Attributes:
        code: Stable, machine-readable code.
        detail: What was wrong.
        remedy: How to fix it; None if there is no advice.
        status: HTTP status; 0 if there was no response.
        errors: Invalid fields of the request.
        trace_id: Id of the request in the zoo's log; None if there was no response.
        retry_after_seconds: Seconds after which the same request may succeed; 0 if not stated.
    """

    def __init__(
        self,
        detail: str,
        *,
        code: str,
        remedy: str | None = None,
        status: int = 0,
        errors: Sequence[InvalidField] = (),
        trace_id: str | None = None,
        retry_after_seconds: float = 0.0,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code
        self.remedy = remedy
        self.status = status
        self.errors = tuple(errors)
        self.trace_id = trace_id
        self.retry_after_seconds = retry_after_seconds

    @classmethod
    def of(cls, problem: Mapping[str, Any] | None, *, code: str, detail: str) -> Self:
        """The error for a problem in a response; ``code`` and ``detail`` if there is none."""
        fields = problem or {"code": code, "detail": detail}
        return cls(fields["detail"], code=fields["code"], remedy=fields.get("remedy"))

    @classmethod
    def failed(cls, result: Mapping[str, Any], *, name: str) -> Self:
        """The error of a failed result."""
        return cls.of(result.get("error"), code="failed", detail=f"the {name} failed")


class UnreachableError(ZooClientError):
    """The zoo did not answer, or the connection broke."""

    def __init__(self, detail: str) -> None:
        super().__init__(
            detail,
            code="unreachable",
            remedy="start the zoo with `zooscope up`, or check its address (--url, ZOO_URL)",
        )


def error_of(response: httpx.Response) -> ZooClientError:
    """The error that a response describes; its body must have been read."""
    problem = _problem_in(response)
    return ZooClientError(
        problem.get("detail") or f"the zoo responded with status {response.status_code}",
        code=problem.get("code") or f"http_{response.status_code}",
        remedy=problem.get("remedy"),
        status=response.status_code,
        errors=[
            InvalidField(str(error.get("pointer", "")), str(error.get("reason", "")))
            for error in problem.get("errors") or []
        ],
        trace_id=problem.get("trace_id"),
        retry_after_seconds=_seconds(response.headers.get("Retry-After", "")),
    )


def _seconds(header: str) -> float:
    """A Retry-After header in seconds; 0 for its other form, a date."""
    return float(header) if header.isdecimal() else 0.0


def _problem_in(response: httpx.Response) -> dict[str, Any]:
    """The problem document of a response; empty if it has none, for example from a proxy."""
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
