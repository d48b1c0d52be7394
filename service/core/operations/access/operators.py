"""Who operates the zoo: keys that see the audit log and the quotas of every project."""

from service.core.errors import ForbiddenError
from service.core.operations.access.keys import Caller, Scope


def is_operator(caller: Caller) -> bool:
    """Whether the key has the scope ``operator``."""
    return Scope.OPERATOR in caller.scopes


def require_operator(caller: Caller) -> None:
    """Require an operator.

    Raises:
        ForbiddenError: The key belongs to one project.
    """
    if not is_operator(caller):
        raise ForbiddenError(
            "only an operator of the zoo may do this",
            code="operator_required",
            remedy="ask the operator, or use the key in the zoo's home folder",
        )
