"""Why a table cannot be judged."""

from service.core.errors import InvalidRequestError


class TableError(InvalidRequestError):
    """A table is not what it must be; ``remedy`` says what to do."""

    code = "table_refused"

    def __init__(self, code: str, detail: str, remedy: str) -> None:
        super().__init__(detail, code=code, remedy=remedy)
