"""Why something could not be packed."""

from service.core.errors import InvalidRequestError


class PackingError(InvalidRequestError):
    """The module, the checkpoint and the manifest do not go together; ``remedy`` says what to do."""

    code = "packing_failed"

    def __init__(self, code: str, detail: str, remedy: str) -> None:
        super().__init__(detail, code=code, remedy=remedy)
