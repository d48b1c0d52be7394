"""The scope that a key needs for an RPC stands at the RPC."""

from collections.abc import Callable
from typing import Any, TypeVar

from service.core.operations.access.keys import Scope

F = TypeVar("F", bound=Callable[..., Any])
_ATTRIBUTE = "required_scope"


def requires(scope: Scope) -> Callable[[F], F]:
    """A decorator: the RPC takes a key with this scope."""

    def mark(rpc: F) -> F:
        setattr(rpc, _ATTRIBUTE, scope)
        return rpc

    return mark


def required_scope(rpc: Callable[..., Any]) -> Scope:
    """The scope that a key needs to call an RPC.

    Raises:
        AttributeError: The RPC is not marked; nobody may call it.
    """
    scope: Scope = getattr(rpc, _ATTRIBUTE)
    return scope
