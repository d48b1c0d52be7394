"""Errors that point at the field of the request that caused them."""

from collections.abc import Iterator
from contextlib import contextmanager

from service.core.errors import FieldProblem, InvalidRequestError, NotFoundError, ZooError


def invalid_value(
    pointer: str, detail: str, *, code: str, remedy: str | None = None
) -> InvalidRequestError:
    """The error for one field of a request."""
    return InvalidRequestError(
        detail, code=code, remedy=remedy, errors=[FieldProblem(pointer, detail)]
    )


@contextmanager
def error_pointer(pointer: str) -> Iterator[None]:
    """Errors from inside point at ``pointer``, unless they already point somewhere.

    A row that a request names and that does not exist makes the request invalid:
    ``model_not_found`` becomes ``unknown_model``.
    """
    try:
        yield
    except NotFoundError as error:
        code = f"unknown_{error.code.removesuffix('_not_found')}"
        raise invalid_value(pointer, error.detail, code=code, remedy=error.remedy) from None
    except ZooError as error:
        error.errors = error.errors or (FieldProblem(pointer, error.detail),)
        raise
