"""What goes wrong between a client and the zoo.

::

    ZooClientError            the zoo refused, with code, detail and remedy
    └── UnreachableError      the zoo did not answer, or the connection broke
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx


@dataclass(frozen=True)
class InvalidField:
    """One wrong field: JSON ``pointer`` into the request and the ``reason``."""

    pointer: str
    reason: str


class ZooClientError(Exception):
    """The zoo refused.

    ``code`` is stable and machine-readable, ``detail`` says what was wrong, ``remedy`` what to do
    about it; ``status`` is the HTTP status, 0 when there was no answer. The same request may
    succeed after ``retry_after_seconds``, when the zoo said so.
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


class UnreachableError(ZooClientError):
    """The zoo did not answer, or the connection broke."""

    def __init__(self, detail: str) -> None:
        super().__init__(
            detail,
            code="unreachable",
            remedy="is the zoo running (`zooscope up`), and is its address right (--url, ZOO_URL)?",
        )


def error_of(response: httpx.Response) -> ZooClientError:
    """The error that a refusing answer describes; its body must have been read."""
    problem = _problem_in(response)
    return ZooClientError(
        problem.get("detail") or f"the zoo answered {response.status_code}",
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
    """A Retry-After header in seconds; its other form, a date, counts as none."""
    return float(header) if header.isdecimal() else 0.0


def _problem_in(response: httpx.Response) -> dict[str, Any]:
    """The problem document of an answer; empty when it holds none, as from a proxy."""
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
