"""Validates the values of a request, alike in both APIs."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from service.core.errors import FieldProblem, InvalidRequestError

V = TypeVar("V", bound=BaseModel)
_MOST_REASONS = 3
_MOST_PROBLEMS = 100


def validated(shape: type[V], value: Any, *, where: str) -> V:
    """``value`` as ``shape``.

    Raises:
        InvalidRequestError: It does not match; ``errors`` point into ``where``.
    """
    try:
        return shape.model_validate(value)
    except ValidationError as error:
        findings = [{**item, "loc": (where, *item["loc"])} for item in error.errors()]
        raise invalid_request(findings) from error


def invalid_request(findings: Iterable[Mapping[str, Any]]) -> InvalidRequestError:
    """The error for the findings of pydantic."""
    problems = [_problem(finding) for finding in findings]
    summary = "; ".join(f"{p.pointer}: {p.reason}" for p in problems[:_MOST_REASONS])
    return InvalidRequestError(summary, errors=problems[:_MOST_PROBLEMS])


def _problem(finding: Mapping[str, Any]) -> FieldProblem:
    """A finding as pointer and reason; the pointer starts at the part of the request."""
    path = "/".join(str(part).replace("~", "~0").replace("/", "~1") for part in finding["loc"])
    return FieldProblem(f"/{path}", str(finding["msg"]))
