"""What an error shows to its caller: bounded in size, alike in both APIs."""

from dataclasses import dataclass

from service.core.errors import FieldProblem, ZooError

MOST_FIELDS = 100
_LONGEST_TEXT = 2000
_LONGEST_REASON = 500


@dataclass(frozen=True)
class Problem:
    """An error as it is sent; ``omitted`` counts the wrong fields that are not listed."""

    code: str
    detail: str
    remedy: str | None
    fields: tuple[FieldProblem, ...]
    omitted: int


def problem_of(error: ZooError) -> Problem:
    """The problem of an error: at most a hundred fields, and texts of bounded length."""
    fields = [
        FieldProblem(_cut(field.pointer, _LONGEST_REASON), _cut(field.reason, _LONGEST_REASON))
        for field in error.errors[:MOST_FIELDS]
    ]
    return Problem(
        code=error.code,
        detail=_cut(error.detail, _LONGEST_TEXT),
        remedy=None if error.remedy is None else _cut(error.remedy, _LONGEST_TEXT),
        fields=tuple(fields),
        omitted=max(0, len(error.errors) - MOST_FIELDS),
    )


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
