"""Validates the values of a request, alike in both APIs."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from service.core.errors import FieldProblem, InvalidRequestError
from service.core.validation_reasons import reason_of, without_consequences

V = TypeVar("V", bound=BaseModel)
_MOST_REASONS = 3


def validated(shape: type[V], value: Any, *, where: str) -> V:
    """``value`` as ``shape``.

    Raises:
        InvalidRequestError: It does not match; ``errors`` point into ``where``.
    """
    try:
        return shape.model_validate(value)
    except ValidationError as error:
        # Neither input nor context: they would repeat the request once for each finding.
        details = error.errors(include_url=False, include_context=False, include_input=False)
        findings = [{**item, "loc": (where, *item["loc"])} for item in details]
        raise invalid_request(findings) from error


def invalid_request(findings: Iterable[Mapping[str, Any]]) -> InvalidRequestError:
    """The error for the findings of pydantic."""
    problems = [_problem(finding) for finding in without_consequences(findings)]
    summary = "; ".join(f"{p.pointer}: {p.reason}" for p in problems[:_MOST_REASONS])
    rest = len(problems) - _MOST_REASONS
    return InvalidRequestError(
        summary + (f"; and {rest} more" if rest > 0 else ""),
        remedy="correct the fields that `errors` points at",
        errors=problems,
    )


def _problem(finding: Mapping[str, Any]) -> FieldProblem:
    """A finding as pointer and reason; the pointer starts at the part of the request."""
    path = "/".join(str(part).replace("~", "~0").replace("/", "~1") for part in finding["loc"])
    return FieldProblem(f"/{path}", reason_of(finding))
