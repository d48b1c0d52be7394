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
        errors: Invalid fields of the request; the zoo lists a hundred at most.
        errors_omitted: Number of invalid fields that the zoo does not list.
        trace_id: Id of the request in the zoo's log; None if there was no response.
        retry_after_seconds: Seconds after which the same request may succeed; 0 if not stated.
        quota: The quota that the request exceeds: ``quota``, ``limit``, ``used``, ``requested``.
        candidates: What an ambiguous name may stand for: ``id``, ``name``, ``state``, ``created_at``.
    """

    def __init__(
        self,
        detail: str,
        *,
        code: str,
        remedy: str | None = None,
        status: int = 0,
        errors: Sequence[InvalidField] = (),
        errors_omitted: int = 0,
        trace_id: str | None = None,
        retry_after_seconds: float = 0.0,
        quota: Mapping[str, Any] | None = None,
        candidates: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code
        self.remedy = remedy
        self.status = status
        self.errors = tuple(errors)
        self.errors_omitted = errors_omitted
        self.trace_id = trace_id
        self.retry_after_seconds = retry_after_seconds
        self.quota = quota
        self.candidates = tuple(candidates)

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
    error = error_in({**_problem_in(response), "status": response.status_code})
    error.retry_after_seconds = _seconds(response.headers.get("Retry-After", ""))
    return error


def error_in(problem: Mapping[str, Any]) -> ZooClientError:
    """The error that a problem document describes; only its ``status`` must be there."""
    status = int(problem["status"])
    return ZooClientError(
        problem.get("detail") or f"the zoo responded with status {status}",
        code=problem.get("code") or f"http_{status}",
        remedy=problem.get("remedy"),
        status=status,
        errors=[
            InvalidField(str(error.get("pointer", "")), str(error.get("reason", "")))
            for error in problem.get("errors") or []
        ],
        errors_omitted=int(problem.get("errors_omitted") or 0),
        trace_id=problem.get("trace_id"),
        quota=problem.get("quota"),
        candidates=problem.get("candidates") or (),
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
