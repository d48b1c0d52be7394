"""The scopes of which a key needs one for an RPC, and the size of its messages, stand at the RPC."""

from collections.abc import Callable
from typing import Any, TypeVar

from service.core.operations.access.keys import Scope
from service.rpc.messages import MessageSize

F = TypeVar("F", bound=Callable[..., Any])
_ATTRIBUTE = "required_scopes"
_SIZE = "message_size"


def requires(*scopes: Scope, size: MessageSize = MessageSize.SHORT) -> Callable[[F], F]:
    """A decorator: the RPC takes a key with one of these scopes, and messages of this size."""

    def mark(rpc: F) -> F:
        setattr(rpc, _ATTRIBUTE, scopes)
        setattr(rpc, _SIZE, size)
        return rpc

    return mark


def required_scopes(rpc: Callable[..., Any]) -> tuple[Scope, ...]:
    """The scopes of which a key needs one to call an RPC.

    Raises:
        AttributeError: The RPC is not marked; nobody may call it.
    """
    scopes: tuple[Scope, ...] = getattr(rpc, _ATTRIBUTE)
    return scopes


def message_size(rpc: Callable[..., Any]) -> MessageSize:
    """How large a request message of an RPC may be. Raises AttributeError as ``required_scopes``."""
    size: MessageSize = getattr(rpc, _SIZE)
    return size
