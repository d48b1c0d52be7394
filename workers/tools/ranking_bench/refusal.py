"""The error of an invalid table."""

from service.core.errors import InvalidRequestError


class TableError(InvalidRequestError):
    """A table is invalid; ``remedy`` says how to fix it."""

    code = "table_refused"

    def __init__(self, code: str, detail: str, remedy: str) -> None:
        super().__init__(detail, code=code, remedy=remedy)
