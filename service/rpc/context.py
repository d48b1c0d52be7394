"""What a servicer knows: the state of the process, and the call."""

from dataclasses import dataclass

import grpc

from service.api_state import ApiState
from service.core.operations.access.keys import Caller
from service.key_watch import OpenStream


class Servicer:
    """Serves calls with the state of this process."""

    def __init__(self, parts: ApiState) -> None:
        self._parts = parts
        self._zoo = parts.zoo


@dataclass(frozen=True)
class RpcCall:
    """A call: the caller, the stream of messages, the idempotency key, and gRPC's own context."""

    caller: Caller
    stream: OpenStream
    context: grpc.ServicerContext
    idempotency_key: str | None

    @property
    def project(self) -> str:
        """The caller's project."""
        return self.caller.project
