"""What new things may be called. Stored names follow older rules, and are read as they are."""

from service.core.errors import FieldProblem, InvalidRequestError
from service.core.file_names import is_visible
from service.core.model_references import refers

_PATHS = frozenset({".", ".."})


def require_name(name: str, *, pointer: str = "/name") -> None:
    """Return if a name shows all of itself.

    Raises:
        InvalidRequestError: ``invalid_name``.
    """
    if name in _PATHS or not is_visible(name):
        raise _invalid(
            f"the name {name[:50]!r} is blank, or has invisible characters",
            "choose a name without characters that are invisible, reorder text or break lines",
            pointer,
        )


def require_model_name(name: str, *, pointer: str = "/name") -> None:
    """Return if a name shows all of itself and refers to no other model.

    Raises:
        InvalidRequestError: ``invalid_name``.
    """
    require_name(name, pointer=pointer)
    if refers(name):
        raise _invalid(
            f"the name {name[:50]!r} is a reference to a version, an alias or an id",
            "choose a name that does not end in :version or @alias and is no id",
            pointer,
        )


def _invalid(detail: str, remedy: str, pointer: str) -> InvalidRequestError:
    problems = [FieldProblem(pointer, remedy)]
    return InvalidRequestError(detail, code="invalid_name", remedy=remedy, errors=problems)
